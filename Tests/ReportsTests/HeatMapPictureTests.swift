// Heat maps as pictures: bright where errors are large; and the counts that CI reads out of JUnit's XML.
import Taps
import Tensors
import Testing
import Verification

@testable import Reports

/// A map of one row.
private func row(_ values: [Double]) throws -> HeatMap {
  let reference = Tensor(repeating: 0, [1, values.count])
  let candidate = Tensor([1, values.count], values.map { Float($0) })
  let comparison = try TapComparator(
    HeldTensors([("a", reference)]), policy: .f32, heatMaps: true
  ).compare(HeldTensors([("a", candidate)]))
  return try #require(comparison.arrays[0].heatMap)
}

/// How bright a colour is to the eye, by ITU-R BT.601.
private func luma(_ colour: [UInt8]) -> Double {
  0.299 * Double(colour[0]) + 0.587 * Double(colour[1]) + 0.114 * Double(colour[2])
}

@Suite struct HeatMapPictureTests {
  /// The largest is the brightest; a decade is a quarter of 254 steps; four decades below all looks alike, but unlike 0.
  @Test func largeErrorsAreBrightAndDecadesAreEqualSteps() throws {
    let picture = HeatMapPicture(try row([1, 0.1, 0.01, 1e-3, 1e-4, 1e-6, 0, 0.5]))
    #expect(picture.largest == 1)
    // 254 · (1 + log₁₀(x) / 4), cut: 254, 190.5, 127, 63.5, 1 at least; of a half 234.88.
    let found = picture.image.pixels.map(Int.init)
    for (pixel, expected) in zip(found, [254, 190, 127, 63, 1, 1, 0, 234]) {
      #expect(abs(pixel - expected) <= 1, "\(found)")
    }
    #expect(found[5] == 1 && found[6] == 0)
  }

  @Test func coloursGrowBrighterAndWhatIsNotFiniteHasItsOwn() throws {
    let image = HeatMapPicture(try row([2, .nan, 0.02, .infinity])).image
    #expect(image.palette.count == 256)
    let ramp = image.palette.prefix(255).map(luma)
    #expect(zip(ramp, ramp.dropFirst()).allSatisfy { $0 <= $1 + 1 })
    #expect(ramp[0] < 30 && ramp[254] > 220 && ramp[127] > ramp[0] + 50)
    #expect(image.pixels[1] == 255 && image.pixels[3] == 255)
    // Cyan, which isn't on the ramp.
    #expect(image.palette[255] == [0, 230, 255])
    #expect(image.pixels[0] == 254 && abs(Int(image.pixels[2]) - 127) <= 1)
  }

  @Test func aMapOfNothingIsDark() throws {
    let picture = HeatMapPicture(try row([0, 0, 0]))
    #expect(picture.largest == 0 && picture.image.pixels == [0, 0, 0])
    #expect(picture.image.width == 3 && picture.image.height == 1)
  }
}

@Suite struct JUnitCountTests {
  /// What CI shows is the root's counts, which have to be the suite's and those of the elements.
  @Test func countsAreThoseOfTheElements() throws {
    func check(_ report: ComparisonReport, tests: Int, failures: Int, skipped: Int) throws {
      let elements = try #require(ReportFixtures.elements(JUnitReport(report).xml))
      #expect(elements.count { $0.name == "testcase" } == tests)
      #expect(elements.count { $0.name == "failure" } == failures)
      #expect(elements.count { $0.name == "skipped" } == skipped)
      for name in ["testsuites", "testsuite"] {
        let counts = try #require(elements.first { $0.name == name }).attributes
        #expect(counts["tests"] == "\(tests)" && counts["failures"] == "\(failures)", "\(name)")
        #expect(counts["errors"] == "0" && counts["time"] == "0")
      }
      #expect(elements.first { $0.name == "testsuite" }?.attributes["skipped"] == "\(skipped)")
    }
    try check(ComparisonReport(ReportFixtures.comparison().0), tests: 8, failures: 5, skipped: 0)
    try check(ComparisonReport(ReportFixtures.comparison(breaks: false).0), tests: 8, failures: 0, skipped: 0)
    let empty = HeldTensors([])
    try check(
      ComparisonReport(Verdict(reference: empty, candidate: empty, policy: .f32)), tests: 1, failures: 1,
      skipped: 0)
    let both = HeldTensors([
      ("a.b/0/output", ReportFixtures.grid([2])), ("a/0/output", ReportFixtures.grid([2])),
    ])
    let off = HeldTensors([("a/0/output", ReportFixtures.grid([2], scale: 2))])
    try check(
      ComparisonReport(Verdict(reference: both, candidate: off, policy: .f32, wholes: [ModulePath("a")])),
      tests: 2, failures: 1, skipped: 1)
    // All of it fused: one more test, which fails.
    let inside = HeldTensors([("a.b/0/output", ReportFixtures.grid([2]))])
    try check(
      ComparisonReport(
        Verdict(reference: inside, candidate: HeldTensors([]), policy: .f32, wholes: [ModulePath("a")])),
      tests: 2, failures: 1, skipped: 1)
  }
}
