import Kernels
import Tensors
import Testing

@Test func activationsMatchPyTorch() throws {
  let tokens = try recorded("tokens")
  expectClose(tokens.gelu(), try recorded("tokens.gelu"), tolerance: 5e-7)
  expectClose(tokens.sigmoid(), try recorded("tokens.sigmoid"), tolerance: 2e-7)
}

@Test func simpleFunctionsOfEveryElement() {
  let x = Tensor([4], [-2, -0.5, 0, 3])
  #expect(x.relu().elements == [0, 0, 0, 3])
  #expect(x.clamped(-1...2).elements == [-1, -0.5, 0, 2])
}
