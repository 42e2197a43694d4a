import Foundation
import Traces
public import Verification

/// A comparison as JUnit XML, as every CI reads it: one suite, one test case a tap, in the order of execution.
///
/// Source: the schema `junit-10.xsd` of Jenkins' xUnit plugin. There is no time in it: equal comparisons give equal bytes.
public struct JUnitReport: Sendable {
  private let report: ComparisonReport

  /// The report of a comparison.
  public init(_ report: ComparisonReport) { self.report = report }

  /// The file's text.
  public var xml: String {
    let taps = report.arrays.enumerated().map { TapView($0.element, number: $0.offset, policy: report.policy) }
    let failures = taps.count(where: \.fails) + (isEmpty ? 1 : 0)
    let tests = "\(taps.count + (isEmpty ? 1 : 0))"
    let empty: [Markup] =
      isEmpty
      ? [
        .element(
          "testcase", ["name": "comparison", "classname": "sam2kit", "time": "0"],
          failure("empty", "there was nothing to compare"))
      ] : []
    let suite = Markup.element(
      "testsuite",
      [
        "name": "\(report.candidate.path) against \(report.reference.path)", "tests": tests,
        "failures": "\(failures)", "errors": "0", "skipped": "\(report.fused)", "time": "0",
      ], [properties] + empty + taps.map(testCase))
    let root = Markup.element(
      "testsuites",
      ["name": "sam2kit", "tests": tests, "failures": "\(failures)", "errors": "0", "time": "0"], suite)
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(root.text)\n"
  }

  /// Whether there was nothing to compare, which fails: nothing there, or all of it fused.
  private var isEmpty: Bool { report.fused == report.arrays.count }

  private var properties: Markup {
    var pairs = [
      ("policy", report.policy.name), ("compared", report.compared),
      ("smallest_passing_tolerance", report.smallestPassingTolerance.map { "\($0)" } ?? "none"),
      ("first_divergence", report.firstDivergence ?? "none"), ("only_in_candidate", "\(report.extra.count)"),
    ]
    for (side, origin) in [
      ("reference", report.reference.provenance), ("candidate", report.candidate.provenance),
    ] {
      guard let origin else { continue }
      pairs.append(("\(side).producer", "\(origin.producer) \(origin.producerVersion)"))
      pairs.append(("\(side).backend", "\(origin.arithmetic) \(origin.precision)"))
      pairs.append(("\(side).checkpoint_sha256", origin.checkpointSHA256))
      pairs.append(("\(side).input_sha256", origin.inputSHA256))
    }
    pairs += report.differences.map { ("differs.\($0.attribute)", "\($0.reference) / \($0.candidate)") }
    return .element("properties", [:], pairs.map { .element("property", ["name": $0, "value": $1]) })
  }

  private func testCase(_ tap: TapView) -> Markup {
    var content: [Markup] = []
    if tap.row.status == .fused { content.append(.element("skipped", ["message": tap.account])) }
    if tap.fails { content.append(failure(tap.row.status.rawValue, tap.problem)) }
    if let metrics = tap.row.metrics {
      content.append(.element("system-out", [:], Markup(Self.numbers(metrics))))
    }
    return .element(
      "testcase", ["name": tap.part, "classname": tap.module ?? "prediction", "time": "0"], content)
  }

  private func failure(_ type: String, _ message: String) -> Markup {
    .element("failure", ["type": type, "message": message], Markup(message))
  }

  private static func numbers(_ metrics: ErrorMetrics) -> String {
    "max abs \(Figure.error(metrics.maxAbsError)), mean abs \(Figure.error(metrics.meanAbsError)), relative "
      + "\(Figure.error(metrics.relativeError)), cosine \(Figure.fixed(metrics.cosineSimilarity, 7)), SQNR "
      + "\(Figure.decibels(metrics.sqnrDecibels))"
  }
}
