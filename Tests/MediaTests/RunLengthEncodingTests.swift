import Media
import Testing

/// Against pycocotools' `encode`, recorded in Fixtures/run_lengths.json.
@Suite struct RunLengthEncodingTests {
  @Test func fixturesAreThere() {
    #expect(MaskFixtures.recorded.count == 12)
  }

  @Test(arguments: MaskFixtures.recorded)
  func textIsThatOfPycocotools(_ entry: MaskFixtures.Entry) throws {
    guard let mask = entry.mask else { return }
    #expect(RunLengthEncoding(mask).compressed == entry.counts)
  }

  @Test(arguments: MaskFixtures.recorded)
  func textIsReadBack(_ entry: MaskFixtures.Entry) throws {
    let runs = try RunLengthEncoding(width: entry.width, height: entry.height, compressed: entry.counts)
    let mask = BinaryMask(runs)
    if let expected = entry.mask { #expect(mask == expected) }
    #expect(RunLengthEncoding(mask) == runs)
    #expect(runs.compressed == entry.counts)
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
    let error = #expect(throws: MediaError.self) {
      try RunLengthEncoding(width: 4, height: 5, compressed: text)
    }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func runsThatDoNotFillTheMaskAreRefused() {
    #expect(throws: MediaError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [1, 2]) }
    #expect(throws: MediaError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [1, 4]) }
    #expect(throws: MediaError.self) { try RunLengthEncoding(width: 2, height: 2, counts: [5, -1]) }
    #expect(throws: MediaError.self) { try RunLengthEncoding(width: -2, height: -2, counts: [4]) }
    #expect(throws: MediaError.self) { try RunLengthEncoding(width: .max, height: 3, counts: [4]) }
  }
}
