import Foundation
import Masks
import Testing

/// Against pycocotools' `encode`.
@Suite struct RunLengthEncodingTests {
  @Test func fixturesAreThere() {
    #expect(RunLengthFixtures.recorded.count == 12)
  }

  @Test(arguments: RunLengthFixtures.recorded)
  func textIsThatOfPycocotools(_ entry: RunLengthFixtures.Entry) throws {
    guard let mask = entry.mask else { return }
    #expect(RunLengthEncoding(mask).compressed == entry.counts)
  }

  @Test(arguments: RunLengthFixtures.recorded)
  func textIsReadBack(_ entry: RunLengthFixtures.Entry) throws {
    let runs = try RunLengthEncoding(width: entry.width, height: entry.height, compressed: entry.counts)
    let mask = BinaryMask(runs)
    if let expected = entry.mask { #expect(mask == expected) }
    #expect(RunLengthEncoding(mask) == runs)
    #expect(runs.compressed == entry.counts)
  }

  /// Pixels that change often, and seldom, in rows around the length of a machine word.
  @Test(arguments: [(1, 1), (7, 3), (8, 5), (9, 1), (1, 20), (17, 16), (40, 33), (24, 2)], [2, 3, 40])
  func runsAreThoseOfAWalkDownTheColumns(size: (Int, Int), rarity: Int) {
    let (width, height) = size
    var state: UInt64 = 7
    var pixel: UInt8 = 1
    let pixels = (0..<width * height).map { (_: Int) -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      if (state >> 33).isMultiple(of: UInt64(rarity)) { pixel = 1 - pixel }
      return pixel
    }
    var expected = [0]
    var previous: UInt8 = 0
    for place in 0..<width * height {
      let (x, y) = place.quotientAndRemainder(dividingBy: height)
      if pixels[y * width + x] != previous { expected.append(0) }
      previous = pixels[y * width + x]
      expected[expected.count - 1] += 1
    }
    #expect(RunLengthEncoding(BinaryMask(width: width, height: height, pixels: pixels)).counts == expected)
  }

  @Test func runsOfMoreThan15BitsSurvive() throws {
    let full = BinaryMask(width: 400, height: 300, pixels: [UInt8](repeating: 1, count: 120_000))
    // Recorded from pycocotools: encode(np.ones((300, 400))).
    #expect(RunLengthEncoding(full).compressed == "0PVe3")
    #expect(RunLengthEncoding(full).counts == [0, 120_000])
  }

  @Test(arguments: [
    ("0", "20 of 4 × 5 pixels are in no run"), ("d0 ", "byte 32 is not one that the packing uses"),
    ("P", "the text ends within a length"), ("O", "run 0 has length -1"),
    ("oooooooooo", "a length takes more than"),
    ("d00d0", "goes beyond"), ("e0", "run 0 has length 21"),
  ])
  func malformedTextIsRefused(_ text: String, _ reason: String) throws {
    let error = #expect(throws: MaskError.self) {
      try RunLengthEncoding(width: 4, height: 5, compressed: text)
    }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func runsThatDoNotFillTheMaskAreRefused() {
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [1, 2]) }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [1, 4]) }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [5, -1]) }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: -2, height: -2, counts: [4]) }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: .max, height: 3, counts: [4]) }
    // Sides that make no pixels.
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: 0, height: -2, counts: []) }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: -2, height: 0, counts: []) }
  }

  private struct Uncompressed: Encodable {
    let size: [Int]
    let counts: [Int]
  }

  /// COCO's annotations have either form; what is written is the compressed one.
  @Test func bothFormsOfCOCOAreRead() throws {
    for recorded in try RecordedMask.all() {
      let mask = recorded.binary
      let runs = RunLengthEncoding(mask)
      #expect(runs.counts == recorded.counts)
      let list = Uncompressed(size: [mask.height, mask.width], counts: recorded.counts)
      #expect(try JSONDecoder().decode(RunLengthEncoding.self, from: JSONEncoder().encode(list)) == runs)
      let text = try JSONEncoder().encode(COCOMask(mask))
      let read = try JSONDecoder().decode(COCOMask.self, from: text)
      #expect(read.segmentation.compressed == recorded.compressed)
      #expect(BinaryMask(read.segmentation) == mask)
      #expect(read == COCOMask(mask))
    }
  }

  @Test func theJSONIsCOCOs() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(COCOMask(BinaryMask([".##", ".#."]))), as: UTF8.self)
    // pycocotools: encode(np.asfortranarray([[0, 1, 1], [0, 1, 0]], dtype=np.uint8)) is {'size': [2, 3], 'counts': b'231'}.
    #expect(text == #"{"area":3,"bbox":[1,0,2,2],"segmentation":{"counts":"231","size":[2,3]}}"#)
  }

  @Test(arguments: [
    #"{"size": [2, 3], "counts": [1, 2]}"#, #"{"size": [2], "counts": "231"}"#,
    #"{"size": [2, 3], "counts": "2 1"}"#,
  ])
  func malformedJSONIsRefused(_ text: String) {
    #expect(throws: MaskError.self) { try JSONDecoder().decode(RunLengthEncoding.self, from: Data(text.utf8)) }
  }
}
