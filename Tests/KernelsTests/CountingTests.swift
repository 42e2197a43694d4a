import Kernels
import Tensors
import Testing

@Test func onlyElementsAboveTheThresholdCount() {
  let x = Tensor([2, 3], [0.5, -1, 0.75, 2, .nan, .infinity])
  #expect(x.count(above: 0.5) == 3)
  #expect(Tensor([0, 3], []).count(above: 0) == 0)
}
