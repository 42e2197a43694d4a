// What an app asks of predictions, without arithmetic on tensors.

import Masks
import Tensors
import Testing

@testable import SAM2

@Suite struct PredictionTests {
  /// Two objects, two masks of each, of 1 × 4 pixels.
  private let prediction = Prediction(
    logits: Tensor(
      [2, 2, 1, 4], [-40, -0.5, 0.5, 40] + [1, 1, -1, -1] + [-1, -1, -1, -1] + [3, -3, 3, 0]),
    iou: Tensor([2, 2], [0.5, 0.75, 0.25, 0.25]), objectScore: Tensor([2, 1], [3, -2]), width: 4, height: 1)

  @Test func everyMaskHasItsOwnScores() {
    let masks = prediction.masks
    #expect(prediction.objectCount == 2 && prediction.maskCount == 2)
    #expect(masks.map(\.object) == [0, 0, 1, 1])
    #expect(masks.map(\.alternative) == [0, 1, 0, 1])
    #expect(masks.map(\.predictedIoU) == [0.5, 0.75, 0.25, 0.25])
    #expect(masks.map(\.objectScore) == [3, 3, -2, -2])
    #expect(masks.map(\.mask) == [["..##"], ["##.."], ["...."], ["#.#."]].map(BinaryMask.init(drawn:)))
    #expect(masks[0].logits.elements == [-40, -0.5, 0.5, 40])
    #expect(prediction.mask(object: 1, mask: 1).mask == masks[3].mask)
  }

  /// Above 1 lies one pixel, above −1 lie three.
  @Test func stabilityComparesAMaskWithItself() {
    #expect(prediction.mask(object: 0, mask: 0).stabilityScore() == 1.0 / 3)
    #expect(prediction.mask(object: 0, mask: 0).stabilityScore(offset: 0.25) == 1)
  }

  @Test func theBestHasTheHighestPredictedIoUOrComesFirst() {
    #expect(prediction.best().alternative == 1)
    #expect(prediction.best(object: 1).alternative == 0)
    #expect(prediction.best(object: 1).object == 1)
  }

  /// Logits between −32 and 32, as the official predictor returns them for the next prompt.
  @Test func logitsForTheNextPromptAreClamped() {
    let next = prediction.promptLogits(object: 0, mask: 0)
    #expect(next.shape == [1, 1, 4])
    #expect(next.elements == [-32, -0.5, 0.5, 32])
    #expect(prediction.promptLogits(object: 1, mask: 1).elements == [3, -3, 3, 0])
  }

  @Test func aFramesMasksAreThoseOfKnownObjects() throws {
    let frame = FrameMasks(
      frame: 7,
      objects: [
        .init(id: 5, lowResLogits: Tensor([1, 3], [1, 1, -1]), objectScore: 2, predictedIoU: 0.5),
        .init(
          id: 9, lowResLogits: Tensor([1, 3], [-1024, -1024, -1024]), objectScore: nil, predictedIoU: nil),
        .init(id: 2, lowResLogits: Tensor([1, 3], [-1, 1, -1]), objectScore: 4, predictedIoU: 1),
      ], width: 3, height: 1, areSeparated: false)
    let masks = frame.masks()
    #expect(masks.map(\.object) == [5, 2])
    #expect(masks.map(\.mask) == [["##."], [".#."]].map(BinaryMask.init(drawn:)))
    #expect(masks.map(\.predictedIoU) == [0.5, 1])
    #expect(masks.map(\.objectScore) == [2, 4])
    // The lowest number wins where masks overlap.
    #expect(try frame.labelMap().labels == [5, 2, 0])
  }
}

extension BinaryMask {
  /// The mask drawn as rows of `#` for foreground and anything else for background.
  fileprivate init(drawn rows: [String]) {
    self.init(
      width: rows.first?.utf8.count ?? 0, height: rows.count,
      pixels: rows.flatMap { $0.utf8.map { $0 == UInt8(ascii: "#") ? 1 : 0 } })
  }
}
