import Masks
import Testing

@Suite struct LabelRasterTests {
  private func mask(_ pixels: [UInt8]) -> BinaryMask { BinaryMask(width: 3, height: 1, pixels: pixels) }

  /// As in `LabelMap`, whatever order they come in.
  @Test func theLowestNumberIsSeenWhereObjectsOverlap() throws {
    let objects = [(300, mask([1, 1, 0])), (7, mask([0, 1, 1])), (65535, mask([1, 1, 1]))]
    for order in [objects, objects.reversed()] {
      #expect(try LabelRaster(width: 3, height: 1, objects: order).labels == [300, 7, 7])
    }
    #expect(try LabelRaster(width: 3, height: 1, objects: [(65535, mask([0, 1, 0]))]).labels == [0, 65535, 0])
    #expect(try LabelRaster(width: 3, height: 1, objects: []).labels == [0, 0, 0])
  }

  @Test(arguments: [-1, 0, 65536]) func otherNumbersAreRefused(object: Int) {
    #expect(throws: MaskError.objectOutOfRange(object: object, limit: 65535)) {
      try LabelRaster(width: 3, height: 1, objects: [(object, mask([1, 0, 0]))])
    }
    #expect(throws: MaskError.self) { try LabelRaster(width: 1, height: 3, objects: [(1, mask([1, 0, 0]))]) }
  }
}
