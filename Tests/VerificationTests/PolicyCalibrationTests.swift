// Policies proposed from comparisons.
import Foundation
import Taps
import Tensors
import Testing

@testable import Verification

/// A report of taps with these relative errors; the first element is the magnitude.
private func report(_ errors: [(String, Float)]) throws -> ComparisonReport {
  let reference = errors.map { ($0.0, Tensor([2], [1, 0.5])) }
  let candidate = errors.map { ($0.0, Tensor([2], [1, 0.5 + $0.1])) }
  return ComparisonReport(try tracesInMemory(reference, candidate))
}

@Suite struct PolicyCalibrationTests {
  private func reports() throws -> [ComparisonReport] {
    try [1, 2, 1.5].map { (scale: Float) in
      let layers = (0..<30).map { (layer: Int) -> (String, Float) in
        ("trunk.\(layer)/0/output", scale * 1e-4 * Float(1 + layer % 3))
      }
      return try report(
        layers + [("head/0/output", scale * 0.01), ("head/1/output", scale * 0.02)])
    }
  }

  @Test func theLargestErrorTimesTheMarginPasses() throws {
    let reports = try reports()
    let calibration = try PolicyCalibration(reports, margin: 4, name: "mine")
    let policy = calibration.policy
    #expect(policy.name == "mine")
    // 4 · 6e-4 for nearly all, 4 · 0.04 for the head.
    #expect(abs((policy.defaults.relative ?? 0) - 2.4e-3) <= 1.5e-4)
    #expect(policy.rules.map(\.taps) == ["head/*/output"])
    #expect(abs((policy.rules.first?.tolerance.relative ?? 0) - 0.16) <= 0.011)
    #expect(policy.notes?.contains("margin 4") == true)
    for report in reports { #expect(try Verdict(report, policy: policy).comparison.passes) }
    let worse = try report([("head/7/output", 0.2)])
    #expect(try !Verdict(worse, policy: policy).comparison.passes)
    #expect(calibration.passingWhenLeftOut == 3)
    // Without a margin the worst one is past what the others propose.
    #expect(try PolicyCalibration(reports, margin: 1, name: "mine").passingWhenLeftOut == 2)
  }

  @Test func equalRunsAreStillGrantedTheLastBit() throws {
    let policy = try PolicyCalibration([report([("a", 0)])], margin: 2, name: "equal").policy
    #expect(policy.defaults.limits == [.relative: 2.4e-7])
    #expect(try PolicyCalibration([report([("a", 0)])], margin: 2, name: "equal").passingWhenLeftOut == nil)
  }

  @Test func masksAreGrantedWhatTheyLack() throws {
    // Three of four pixels stay: IoU 0.75, so a margin of 2 lets it fall to 0.5.
    let traces = try tracesInMemory(
      [("prediction/low_res_logits", one)], [("prediction/low_res_logits", Tensor([2, 2], [1, 2, 3, -1]))])
    let policy = try PolicyCalibration([ComparisonReport(traces)], margin: 2, name: "masks").policy
    #expect(policy.rules.first?.tolerance.limits[.maskIoU] == 0.5)
  }

  @Test func whatIsMissingOrNotFiniteCannotCalibrate() throws {
    #expect(throws: PolicyError.self) { _ = try PolicyCalibration([], margin: 2, name: "x") }
    let missing = ComparisonReport(try tracesInMemory([("a", one)], []))
    #expect(throws: PolicyError.self) { _ = try PolicyCalibration([missing], margin: 2, name: "x") }
    let broken = try report([("a", .nan)])
    #expect(throws: PolicyError.self) { _ = try PolicyCalibration([broken], margin: 2, name: "x") }
  }

  @Test func patternsStandForAllCallsOfAModule() {
    #expect(PolicyCalibration.pattern("trunk.3/12/output/levels/0") == "trunk.3/*/output/levels/0")
    #expect(PolicyCalibration.pattern("prediction/0/8/1/iou") == "prediction/*/*/*/iou")
    #expect(PolicyCalibration.pattern("odd[1]*/0/output") == "odd[[]1][*]/*/output")
  }
}
