import Masks
import Testing

/// A box from its first and last pixels.
private func box(_ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int) -> PixelBox {
  PixelBox(x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1)
}

// torchvision.ops.nms(torch.tensor([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 5], [20, 20, 30, 30.]]),
// torch.tensor([.5, .9, .8, .7]), threshold): [1, 2, 3] at 0.7, [1, 3] at 0.5, [1, 3, …] likewise.
@Test func worseBoxesThatOverlapGo() {
  let boxes = [box(0, 0, 10, 10), box(0, 0, 10, 9), box(0, 0, 10, 5), box(20, 20, 30, 30)]
  let scores: [Float] = [0.5, 0.9, 0.8, 0.7]
  #expect(PixelBox.suppressing(boxes, scores: scores, above: 0.7) == [1, 2, 3])
  #expect(PixelBox.suppressing(boxes, scores: scores, above: 0.5) == [1, 3])
  #expect(PixelBox.suppressing(boxes, scores: scores, above: 0.9) == [1, 2, 3, 0])
}

/// What is as alike as the threshold says stays, and so does what has no area.
@Test func onlyWhatExceedsTheThresholdGoes() {
  let halves = [box(0, 0, 10, 10), box(0, 0, 10, 5)]
  #expect(PixelBox.suppressing(halves, scores: [1, 1], above: 0.5) == [0, 1])
  let line = box(3, 0, 3, 9)
  #expect(PixelBox.suppressing([line, line], scores: [0.1, 0.2], above: 0.5) == [1, 0])
  #expect(PixelBox.suppressing([], scores: [], above: 0.5).isEmpty)
}
