// Comparisons that were saved, judged again.
import Foundation
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces

@testable import Verification

private func side(_ path: String) -> Verdict.Side {
  .init(
    path: path,
    provenance: Provenance(
      producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
      checkpointSHA256: "c0", inputSHA256: "f0",
      input: TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"),
      prompts: PromptScript(multimask: false, objects: [])))
}

/// A comparison of arrays in memory as if they were traces.
func tracesInMemory(
  _ reference: [(String, Tensor)], _ candidate: [(String, Tensor)], policy: TolerancePolicy = .f32,
  heatMaps: Bool = false
) throws -> Verdict {
  return Verdict(
    reference: side("a.h5"), candidate: side("b.h5"), differences: [],
    comparison: try compared(held(reference), held(candidate), policy: policy, heatMaps: heatMaps))
}

private let mask = "prediction/low_res_logits"

@Suite struct SavedReportTests {
  private func sample() throws -> Verdict {
    let nan = Tensor([2, 2], [.nan, .infinity, 0, 1])
    return try tracesInMemory(
      [
        ("equal", one), ("near", one), ("nan", nan), ("bad", one), ("gone", one), ("shape", one), (mask, one),
      ],
      [
        ("equal", one), ("near", near), ("nan", nan), ("bad", nan), ("shape", Tensor([4], one.elements)),
        (mask, near), ("new", one),
      ], heatMaps: true)
  }

  @Test func nothingIsLostOnTheWay() throws {
    let report = ComparisonReport(try sample())
    let read = try ComparisonReport(json: report.json())
    #expect(try read.json() == report.json())
    #expect(read.arrays.map(\.heatMap) == report.arrays.map(\.heatMap))
    #expect(try ComparisonReport(Verdict(read)).json() == report.json())
  }

  @Test func judgingAgainIsComparingWithThatPolicy() throws {
    let saved = try ComparisonReport(json: ComparisonReport(sample()).json())
    let loose = try Verdict(saved, policy: .f32.withRelative(0.2)).comparison
    #expect(loose.failures.map(\.name) == ["bad", "gone", "shape"])
    let tight = try Verdict(saved, policy: .f32.withRelative(0)).comparison
    #expect(tight.failures.map(\.name) == ["near", "bad", "gone", "shape", mask])
    #expect(tight.firstDivergence?.name == "near")
  }

  @Test func verdictsSayWhatIsBrokenAndWhatWouldPass() throws {
    let rows = ComparisonReport(try sample()).arrays
    #expect(rows[1].status == .diverged)
    #expect(rows[1].breaches == [Breach(of: .bound(.relative), limit: 1e-4, found: 0.125)])
    #expect(rows[1].smallestPassingTolerance == 0.125)
    #expect(rows[2].status == .passed && rows[2].flags == [.nonFinite])
    #expect(rows[3].breaches.map(\.of).contains(.nonFiniteMismatch))
    #expect(rows[3].smallestPassingTolerance == nil)
    #expect(rows[4].status == .missing && rows[5].status == .shapeMismatch)
  }

  @Test func reportsOfOtherVersionsAreRefused() throws {
    let json = String(decoding: try ComparisonReport(sample()).json(), as: UTF8.self)
    func read(_ text: String) throws { _ = try ComparisonReport(json: Data(text.utf8), file: "r.json") }
    #expect(throws: ReportError.unsupportedVersion(file: "r.json", expected: 2, found: 1)) {
      try read(json.replacing("\"format_version\" : 2", with: "\"format_version\" : 1"))
    }
    #expect(throws: ReportError.notAReport(file: "r.json", found: "other")) {
      try read(json.replacing("\"sam2kit.comparison\"", with: "\"other\""))
    }
    #expect(throws: ReportError.notAReport(file: "r.json", found: "no format")) { try read("{}") }
  }

  @Test func reportsThatWereCutOffAreRefused() throws {
    let json = try ComparisonReport(tracesInMemory([("a", one)], [("a", near)])).json()
    for length in stride(from: 0, to: json.count - 1, by: 97) {
      #expect(throws: ReportError.self) { _ = try ComparisonReport(json: json.prefix(length)) }
    }
  }

  /// What drawings and tables rely on: each changed once in a report that is fine.
  @Test(arguments: [
    ("\"rows\" : 2", "\"rows\" : -1", "expected a heat_map"),
    ("\"rows\" : 2", "\"rows\" : 33", "expected a heat_map"),
    ("\"rows\" : 2", "\"rows\" : 1", "expected a heat_map"),
    ("\"columns\" : 2", "\"columns\" : 9223372036854775807", "expected a heat_map"),
    ("\"counts\" : [", "\"counts\" : [1,", "expected an error_histogram of 17 counts from 1e-12 on, found 18"),
    ("\"lowest_decade\" : -12", "\"lowest_decade\" : 7", "expected an error_histogram of 17 counts"),
    ("\"equal\" : 3", "\"equal\" : 9223372036854775807", "expected an error_histogram of counts"),
    ("\"equal\" : 3", "\"equal\" : -3", "expected an error_histogram of counts"),
    ("\"count\" : 4", "\"count\" : -4", "expected count to be a count, found -4"),
    ("\"non_finite_mismatches\" : 0", "\"non_finite_mismatches\" : -1", "expected non_finite_mismatches"),
    ("\"shape\" : [", "\"shape\" : [-1,", "expected a shape that an array can have"),
    (
      "\"shape\" : [", "\"shape\" : [9223372036854775807, 9223372036854775807,",
      "expected a shape that an array can have"
    ),
  ])
  func whatCannotBeIsRefused(from: String, to: String, problem: String) throws {
    let sound = String(
      decoding: try ComparisonReport(tracesInMemory([("a", one)], [("a", near)], heatMaps: true)).json(),
      as: UTF8.self)
    let place = try #require(sound.firstRange(of: from), "\(sound)")
    let forged = sound.replacingCharacters(in: place, with: to)
    let error = try #require(throws: ReportError.self) {
      _ = try ComparisonReport(json: Data(forged.utf8), file: "r.json")
    }
    #expect(error.description.hasPrefix("r.json: a: \(problem)"), "\(error)")
  }

  @Test func aNameOfVeryManyPartsIsRefused() throws {
    for (parts, isFine) in [(256, true), (257, false), (20_000, false)] {
      let name = String(repeating: "m.", count: parts - 1) + "m"
      let json = try ComparisonReport(tracesInMemory([(name, one)], [(name, near)])).json()
      if isFine {
        _ = try ComparisonReport(json: json)
      } else {
        let error = try #require(throws: ReportError.self) { _ = try ComparisonReport(json: json) }
        #expect(error.description.hasSuffix("expected a name of at most 256 parts, found \(parts)"), "\(error)")
        #expect(error.description.utf8.count < 400)
      }
    }
  }

  @Test func aStatusThatTheRestBeliesIsRefused() throws {
    let json = String(
      decoding: try ComparisonReport(tracesInMemory([("a", one)], [("a", near)])).json(), as: UTF8.self)
    let forged = try ComparisonReport(
      json: Data(json.replacing("\"status\" : \"diverged\"", with: "\"status\" : \"missing\"").utf8))
    #expect(throws: ReportError.self) { _ = try Verdict(forged) }
    // Claiming that it passed changes nothing: numbers are judged, not claims.
    let claimed = try ComparisonReport(
      json: Data(json.replacing("\"status\" : \"diverged\"", with: "\"status\" : \"passed\"").utf8))
    #expect(try !Verdict(claimed).comparison.passes)
  }
}
