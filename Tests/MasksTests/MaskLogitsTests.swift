import Masks
import Tensors
import Testing

@Test func onlyElementsAboveTheThresholdCount() {
  let x = Tensor([2, 3], [0.5, -1, 0.75, 2, .nan, .infinity])
  #expect(x.count(above: 0.5) == 3)
  #expect(Tensor([0, 3], []).count(above: 0) == 0)
}

@Test func stabilityIsTheRatioOfAreas() {
  let logits = Tensor([4], [-2, -0.5, 0.5, 2])
  #expect(logits.stabilityScore(offset: 1) == 1.0 / 3)
  #expect(Tensor([2], [-5, -5]).stabilityScore(offset: 1) == 1)
}
