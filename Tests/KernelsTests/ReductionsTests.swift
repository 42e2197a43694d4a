import Kernels
import Tensors
import Testing

@Test func reductionsMatchPyTorch() throws {
  let tokens = try recorded("tokens")
  expectClose(tokens.softmax(), try recorded("tokens.softmax"), tolerance: 2e-7)
  expectClose(tokens.sum(trailing: 2), try recorded("tokens.sum.2"), tolerance: 2e-6)
  expectClose(tokens.mean(trailing: 1), try recorded("tokens.mean.1"), tolerance: 1e-6)
  #expect(try tokens.counts(above: 0.5, trailing: 2).elements == recorded("tokens.above.2").elements)
}

@Test func firstOfEqualMaximaWins() {
  #expect(Tensor([2, 3], [1, 5, 5, -1, -2, -3]).argmaxLast() == [1, 0])
}
