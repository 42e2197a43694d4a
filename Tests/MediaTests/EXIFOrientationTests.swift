import Testing

@testable import Media

@Suite struct EXIFOrientationTests {
  /// A TIFF block with one directory entry.
  func tiff(tag: UInt16 = 0x0112, value: UInt16, isLittle: Bool) -> [UInt8] {
    func two(_ number: UInt16) -> [UInt8] {
      let bytes = [UInt8(number >> 8), UInt8(number & 0xFF)]
      return isLittle ? bytes.reversed() : bytes
    }
    let four = { (number: UInt16) in isLittle ? two(number) + [0, 0] : [0, 0] + two(number) }
    return (isLittle ? [0x49, 0x49] : [0x4D, 0x4D]) + two(42) + four(8) + two(1) + two(tag) + two(3) + four(1)
      + two(value) + [0, 0] + four(0)
  }

  func orientation(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { EXIFOrientation.find(inTIFF: $0) } }

  @Test(arguments: [true, false]) func isFoundInEitherByteOrder(_ isLittle: Bool) {
    #expect(orientation(tiff(value: 6, isLittle: isLittle)) == 6)
    #expect(orientation(tiff(value: 1, isLittle: isLittle)) == nil)
    #expect(orientation(tiff(value: 9, isLittle: isLittle)) == nil)
    #expect(orientation(tiff(tag: 0x010F, value: 6, isLittle: isLittle)) == nil)
  }

  /// All that EXIF 2.3 knows beside upright, 0 and 9 being none.
  @Test(arguments: [true, false]) func everyOrientationButUprightIsOne(_ isLittle: Bool) {
    let found = (0...10).map { orientation(tiff(value: $0, isLittle: isLittle)) }
    #expect(found == [nil, nil, 2, 3, 4, 5, 6, 7, 8, nil, nil])
    #expect(EXIFOrientation.note(8) == "EXIF orientation 8 ignored, as Pillow's convert does")
  }

  @Test func truncatedOrLyingBlocksAreSurvived() {
    let whole = tiff(value: 6, isLittle: true)
    for count in 0..<20 { #expect(orientation(Array(whole.prefix(count))) == nil) }
    for index in whole.indices {
      var changed = whole
      changed[index] = 0xFF
      _ = orientation(changed)
    }
    var far = whole
    far.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(orientation(far) == nil)
  }
}
