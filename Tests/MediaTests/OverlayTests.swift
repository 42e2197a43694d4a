import Masks
import Media
import Prompts
import Testing

@Suite struct OverlayTests {
  let grey = Picture(width: 40, height: 30, pixels: [UInt8](repeating: 100, count: 3600))

  /// The foreground is columns 10 to 19 of rows 5 to 14.
  let square = BinaryMask(
    width: 40, height: 30,
    pixels: (0..<1200).map { (10..<20).contains($0 % 40) && (5..<15).contains($0 / 40) ? 1 : 0 })

  func color(_ picture: Picture, _ x: Int, _ y: Int) -> [UInt8] {
    let first = 3 * (y * picture.width + x)
    return Array(picture.pixels[first..<first + 3])
  }

  func bytes(_ color: OverlayColor) -> [UInt8] { [color.red, color.green, color.blue] }

  @Test func maskIsHalfTransparentWithASolidRim() throws {
    let drawn = try grey.overlaid(with: [OverlayObject(mask: square)])
    let own = bytes(OverlayColor(object: 0))
    let half = own.map { UInt8((100 + (Float($0) - 100) * 0.5).rounded()) }
    #expect(color(drawn, 15, 10) == half)
    #expect(color(drawn, 10, 10) == own)
    #expect(color(drawn, 19, 14) == own)
    #expect(color(drawn, 9, 10) == [100, 100, 100])
    #expect(color(drawn, 20, 10) == [100, 100, 100])
  }

  /// 30 pixels are fewer than 400, however long the other side is.
  @Test(arguments: [(1200, 30), (30, 1200)]) func theShorterSideSaysHowThickARimIs(
    width: Int, height: Int
  ) throws {
    let picture = Picture(
      width: width, height: height, pixels: [UInt8](repeating: 100, count: 3 * width * height))
    let mask = BinaryMask(
      width: width, height: height,
      pixels: (0..<width * height).map {
        (10..<20).contains($0 % width) && (5..<15).contains($0 / width) ? 1 : 0
      })
    let drawn = try picture.overlaid(with: [OverlayObject(mask: mask)])
    let own = bytes(OverlayColor(object: 0))
    let half = own.map { UInt8((100 + (Float($0) - 100) * 0.5).rounded()) }
    for (x, y) in [(10, 10), (19, 10), (15, 5), (15, 14)] { #expect(color(drawn, x, y) == own) }
    for (x, y) in [(11, 10), (18, 10), (15, 6), (15, 13)] { #expect(color(drawn, x, y) == half) }
  }

  @Test func fullMaskHasNoRimAtThePictureEdge() throws {
    let full = BinaryMask(width: 40, height: 30, pixels: [UInt8](repeating: 1, count: 1200))
    let drawn = try grey.overlaid(with: [OverlayObject(mask: full)])
    #expect(color(drawn, 0, 0) == color(drawn, 20, 15))
  }

  @Test func nothingToDrawChangesNothing() throws {
    #expect(try grey.overlaid(with: []) == grey)
    let outside = Click(x: -500, y: 9000, isObject: true)
    let nowhere = Click(x: .nan, y: 3, isObject: true)
    #expect(try grey.overlaid(with: [OverlayObject(points: [outside, nowhere])]) == grey)
  }

  @Test func boxIsAnOutlineOfTwoPixels() throws {
    let drawn = try grey.overlaid(with: [OverlayObject(box: Box(x0: 8, y0: 6, x1: 30, y1: 20))]
    )
    let own = bytes(OverlayColor(object: 0))
    for (x, y) in [(7, 12), (8, 12), (29, 12), (30, 12), (20, 5), (20, 6), (20, 19), (20, 20)] {
      #expect(color(drawn, x, y) == own, "\(x), \(y)")
    }
    for (x, y) in [(6, 12), (9, 12), (31, 12), (20, 7), (20, 21)] {
      #expect(color(drawn, x, y) == [100, 100, 100], "\(x), \(y)")
    }
  }

  @Test func pointsAreGreenOrRedInAWhiteRing() throws {
    let drawn = try grey.overlaid(with: [
      OverlayObject(points: [
        Click(x: 10.5, y: 15.5, isObject: true), Click(x: 30.5, y: 15.5, isObject: false),
      ])
    ])
    let (positive, negative) = (color(drawn, 10, 15), color(drawn, 30, 15))
    #expect(positive[1] > positive[0] && positive[1] > positive[2])
    #expect(negative[0] > negative[1] && negative[0] > negative[2])
    #expect(color(drawn, 15, 15) == [255, 255, 255])
    #expect(color(drawn, 20, 15) == [100, 100, 100])
  }

  @Test func objectsKeepDistinctColoursWhateverTheOrder() throws {
    let colors = (0..<30).map(OverlayColor.init(object:))
    #expect(Set(colors).count == 30)
    let second = try grey.overlaid(with: [OverlayObject(), OverlayObject(mask: square)])
    #expect(color(second, 10, 10) == bytes(colors[1]))
  }

  @Test func masksMayBeRunLengths() throws {
    let runs = try RunLengthEncoding(
      width: 40, height: 30, counts: [305] + Array(repeating: [10, 20], count: 9).flatMap { $0 } + [10, 615])
    let box = Box(x0: 8, y0: 6, x1: 30, y1: 20)
    let drawn = try grey.overlaid(with: [OverlayObject(runs: runs, box: box)])
    #expect(try drawn == grey.overlaid(with: [OverlayObject(mask: square, box: box)]))
    #expect(drawn != grey)
  }

  @Test func maskOfAnotherSizeIsRefused() {
    let small = BinaryMask(width: 2, height: 2, pixels: [1, 1, 1, 1])
    #expect(
      throws: MaskError.sizeMismatch(expectedWidth: 40, expectedHeight: 30, foundWidth: 2, foundHeight: 2)
    ) { try grey.overlaid(with: [OverlayObject(mask: small)]) }
  }
}
