@testable import Architecture
import Tensors
import Testing

@testable import SAM2

/// Four masks of 1 × 4 logits: the single one with that many of its logits in the uncertain band, then three.
private func masks(uncertain: Int) -> Tensor {
  let single = (0..<4).map { Float($0 < uncertain ? 0.01 : 1) }
  return Tensor([1, 4, 1, 4], single + [2, 2, 2, 2] + [3, 3, 3, 3] + [4, 4, 4, 4])
}
private let scores = Tensor([1, 4], [0.9, 0.2, 0.8, 0.8])

@Test func aStableSingleMaskIsKept() {
  let chosen = MaskSelection(configuration: .init()).single(masks(uncertain: 0), scores)
  #expect(chosen.masks.elements == [1, 1, 1, 1])
  #expect(chosen.scores.elements == [0.9])
}

@Test func anUnstableSingleMaskGivesWayToTheFirstBest() {
  let chosen = MaskSelection(configuration: .init()).single(masks(uncertain: 1), scores)
  #expect(chosen.masks.shape == [1, 1, 1, 4])
  #expect(chosen.masks.elements == [3, 3, 3, 3])
  #expect(chosen.scores.elements == [0.8])
}

@Test func withoutTheFallbackTheSingleMaskStays() {
  var configuration = MaskSelectionConfiguration()
  configuration.dynamicMultimaskViaStability = false
  let chosen = MaskSelection(configuration: configuration).single(masks(uncertain: 4), scores)
  #expect(chosen.scores.elements == [0.9])
}
