// Mask logits compared as masks.
import Tensors
import Testing

@testable import Verification

@Suite struct MaskMetricsTests {
  @Test func flippedPixelsAreThoseThatMasksSee() throws {
    // A logit of exactly zero is off, so 0 against −1 flips nothing. On: {0, 3, 4} against {4}.
    let found = try ErrorMetrics(
      Tensor([5], [1, -1, 0, 0.5, 3]), Tensor([5], [-1, -2, -1, 0, 3]), isMask: true)
    let masks = try #require(found.masks)
    #expect(masks.masks == 1)
    #expect(masks.flipped == 2)
    #expect(masks.largestFlippedLogit == 1)
    #expect(masks.meanFlippedLogit == 0.75)
    #expect(masks.iou == 1.0 / 3)
  }

  @Test func theWorstMaskCounts() throws {
    // The first mask is equal; of the second, one of two pixels is lost; the third is empty on both sides.
    let reference = Tensor([3, 2, 2], [1, 1, -1, -1, 1, 1, -1, -1, -1, -1, -1, -1])
    let candidate = Tensor([3, 2, 2], [1, 1, -1, -1, 1, -1, -1, -1, -1, -2, -1, -1])
    let masks = try #require(ErrorMetrics(reference, candidate, isMask: true).masks)
    #expect(masks.masks == 3)
    #expect(masks.iou == 0.5)
    // Every pixel of a 2 × 2 mask lies within the reach of one pixel, but for the diagonal.
    #expect(masks.boundaryF == 1)
  }

  @Test func outlinesThatAreFarApartDisagree() throws {
    // A square of 8 on 40 × 40: the reach is ⌈0.008 · 56.6⌉ = 1 pixel.
    func square(at corner: Int) -> Tensor {
      Tensor(
        [1, 40, 40],
        (0..<1600).map {
          let (row, column) = ($0 / 40 - corner, $0 % 40 - corner)
          return 0..<8 ~= row && 0..<8 ~= column ? 2 : -2
        })
    }
    #expect(try ErrorMetrics(square(at: 10), square(at: 11), isMask: true).masks?.boundaryF ?? 0 > 0.9)
    #expect(try ErrorMetrics(square(at: 10), square(at: 25), isMask: true).masks?.boundaryF == 0)
    #expect(try ErrorMetrics(square(at: 10), square(at: 10), isMask: true).masks?.boundaryF == 1)
  }

  @Test func nanLogitsAreOffAndLocated() throws {
    let found = try ErrorMetrics(Tensor([1, 1, 2], [.nan, 1]), Tensor([1, 1, 2], [1, 1]), isMask: true)
    #expect(found.masks?.flipped == 1)
    #expect(found.masks?.largestFlippedLogit == 0)
    #expect(found.referenceNonFinite.firstNaN == [0, 0, 0])
    #expect(found.smallestPassingTolerance == .infinity)
  }

  @Test func emptyArraysHoldNoMasks() throws {
    let found = try ErrorMetrics(Tensor([2, 0, 3], []), Tensor([2, 0, 3], []), isMask: true)
    #expect(found.masks?.masks == 0)
    #expect(found.masks?.iou == 1)
  }
}
