import Masks
import Testing

@Suite struct LabelMapTests {
  @Test func theLowestNumberWinsWhereMasksOverlap() throws {
    let left = BinaryMask(width: 3, height: 1, pixels: [1, 1, 0])
    let right = BinaryMask(width: 3, height: 1, pixels: [0, 1, 1])
    let map = try LabelMap(width: 3, height: 1, masks: [(2, left), (7, right)])
    #expect(map.labels == [2, 2, 7])
    #expect(map.objects == [2, 7])
    #expect(map.mask(of: 7).pixels == [0, 0, 1])
    #expect(throws: MaskError.objectOutOfRange(object: 256, limit: 255)) {
      try LabelMap(width: 3, height: 1, masks: [(256, left)])
    }
    #expect(throws: MaskError.objectOutOfRange(object: 0, limit: 255)) {
      try LabelMap(width: 3, height: 1, masks: [(0, left)])
    }
    #expect(
      throws: MaskError.sizeMismatch(expectedWidth: 1, expectedHeight: 3, foundWidth: 3, foundHeight: 1)
    ) { try LabelMap(width: 1, height: 3, masks: [(2, left)]) }
  }
}
