import Kernels
import Tensors
import Testing

@Test func joiningMatchesPyTorch() throws {
  let tokens = try recorded("tokens")
  let joined = Tensor.concatenated([tokens, tokens.sliced(axis: 1, 1..<3)], axis: 1)
  #expect(joined.shape == [2, 7, 4, 3])
  #expect(try joined.elements == recorded("tokens.concatenated.1").elements)
  #expect(try tokens.repeated(leading: 2).elements == recorded("tokens.repeated.2").elements)
  #expect(try recorded("row").broadcast(to: [2, 4, 3]).elements == recorded("row.expanded").elements)
}

@Test func slicesUndoConcatenation() {
  let (a, b) = (positions([3, 50, 700]), positions([3, 50, 9]) * -1)
  let joined = Tensor.concatenated([a, b], axis: -1)
  #expect(joined.sliced(axis: -1, 0..<700).elements == a.elements)
  #expect(joined.sliced(axis: 2, 700..<709).elements == b.elements)
}

@Test func broadcastRepeatsEveryUnitAxis() {
  let x = Tensor([2, 1, 2], [1, 2, 3, 4])
  let result = x.broadcast(to: [2, 2, 2, 2])
  #expect(result.elements == [1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4])
}
