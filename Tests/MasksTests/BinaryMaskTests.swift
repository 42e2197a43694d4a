import Masks
import Tensors
import Testing

@Suite struct BinaryMaskTests {
  /// Against pycocotools' `area` and `toBbox`.
  @Test(arguments: RunLengthFixtures.recorded)
  func areaAndBoundsAreThoseOfPycocotools(_ entry: RunLengthFixtures.Entry) throws {
    let mask = BinaryMask(
      try RunLengthEncoding(width: entry.width, height: entry.height, compressed: entry.counts))
    let coco = COCOMask(mask)
    #expect(mask.area == entry.area && coco.area == entry.area)
    #expect(coco.bbox == entry.bounds)
    #expect(coco.segmentation.compressed == entry.counts)
  }

  @Test func logitsAboveTheThresholdAreForeground() {
    let logits = Tensor([2, 3], [-1, 0, 0.5, 1, .nan, 2])
    #expect(BinaryMask(logits: logits).pixels == [0, 0, 1, 1, 0, 1])
    #expect(BinaryMask(logits: logits, threshold: 1).pixels == [0, 0, 0, 0, 0, 1])
    #expect(BinaryMask(logits: logits).width == 3)
  }

  @Test func anyValueButZeroIsForeground() {
    #expect(BinaryMask(width: 2, height: 1, pixels: [7, 0]).pixels == [1, 0])
  }

  @Test func theBoxTouchesTheOutermostPixelsFromOutside() {
    let mask = BinaryMask(["....", ".##.", "..#."])
    #expect(mask.bounds == PixelBox(x: 1, y: 1, width: 2, height: 2))
    #expect(BinaryMask([".."]).bounds == PixelBox(x: 0, y: 0, width: 0, height: 0))
  }

  @Test func aTensorAndBack() {
    let mask = BinaryMask([".#.", "##."])
    #expect(mask.tensor.shape == [2, 3])
    #expect(BinaryMask(logits: mask.tensor) == mask)
  }
}
