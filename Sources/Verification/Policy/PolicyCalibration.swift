import Foundation
import Taps
import Tensors

/// Proposes a policy from comparisons of runs that are known to be right.
///
/// Arrays that differ in their call's number alone, or in the step, frame or object of a prediction, are taken together. Each group's largest error over all comparisons,
/// times the margin, has to pass: that of nineteen groups in twenty becomes the default, the others get rules of their
/// own. Where errors may grow by a factor m, SQNR may fall by 20 · log10(m) dB, and what a mask lacks of an
/// intersection over union of 1 may grow by m. Limits are rounded to two digits, away from failing.
public struct PolicyCalibration: Sendable {
  /// By how much errors may exceed the largest seen.
  public let margin: Double
  /// What is proposed.
  public let policy: TolerancePolicy
  /// How many of the comparisons pass what is proposed from the others alone; nil of a single one.
  public let passingWhenLeftOut: Int?

  /// An error that is taken to be possible anywhere: Float32's last bit.
  private static let leastError = 0x1p-23
  /// The share of groups that the default serves.
  private static let ordinaryShare = 0.95

  /// Proposes a policy.
  ///
  /// - Throws: `PolicyError.nothingToCalibrate` for no comparison, or one with arrays that are missing, misshaped or differ
  ///   in NaN or infinities.
  public init(_ reports: [ComparisonReport], margin: Double, name: String) throws {
    precondition(margin >= 1, "a margin of \(margin)")
    self.margin = margin
    policy = try Self.proposal(reports, margin, name)
    let isAlone = reports.count < 2
    passingWhenLeftOut =
      isAlone
      ? nil
      : try reports.indices.count { left in
        let others = reports.indices.filter { $0 != left }.map { reports[$0] }
        let policy = try Self.proposal(others, margin, name)
        return try Verdict(reports[left], policy: policy).comparison.passes
      }
  }

  private static func proposal(
    _ reports: [ComparisonReport], _ margin: Double, _ name: String
  ) throws -> TolerancePolicy {
    var groups: [String: Extremes] = [:]
    var order: [String] = []
    for report in reports {
      for row in report.arrays {
        if row.status == .fused { continue }
        guard let metrics = row.metrics, metrics.smallestPassingTolerance.isFinite else {
          throw PolicyError.nothingToCalibrate(
            reason:
              "\(row.name) is missing, misshaped or not finite in the comparison with \(report.candidate.path)")
        }
        let group = pattern(TapID(row.name))
        if groups[group] == nil { order.append(group) }
        groups[group, default: Extremes()].add(metrics)
      }
    }
    guard !groups.isEmpty else { throw PolicyError.nothingToCalibrate(reason: "nothing was compared") }
    let sorted = groups.values.map(\.relative).sorted()
    let ordinary = sorted[min(sorted.count - 1, Int((ordinaryShare * Double(sorted.count)).rounded(.up)) - 1)]
    let noise = groups.values.filter { $0.relative <= ordinary }.map(\.sqnr).min() ?? .infinity
    let defaults = tolerance(Extremes(relative: ordinary, sqnr: noise), margin)
    let rules = order.compactMap { group -> ToleranceRule? in
      guard let extremes = groups[group] else { return nil }
      let isOrdinary = extremes.relative <= ordinary
      guard !isOrdinary || extremes.iou != nil else { return nil }
      var own = isOrdinary ? Tolerance() : tolerance(extremes, margin)
      own.limits[.maskIoU] = extremes.iou.map { down(max(0, 1 - margin * (1 - $0))) }
      let seen = String(format: "at most %.2g seen", extremes.relative)
      return ToleranceRule(taps: group, reason: seen, own)
    }
    return TolerancePolicy(
      name: name, defaults: Tolerance(limits: defaults.limits, zero: .flag, nonFinite: .flag), rules: rules,
      notes: "Proposed from \(reports.count) comparisons of \(groups.count) groups of taps; margin "
        + String(format: "%g", margin) + " over the largest error seen.")
  }

  private static func tolerance(_ extremes: Extremes, _ margin: Double) -> Tolerance {
    var tolerance = Tolerance(limits: [.relative: up(margin * max(extremes.relative, leastError))])
    if extremes.sqnr.isFinite {
      tolerance.limits[.sqnrDecibels] = (extremes.sqnr - 20 * log10(margin)).rounded(.down)
    }
    return tolerance
  }

  /// The largest errors of a group.
  private struct Extremes {
    var relative = 0.0
    var sqnr = Double.infinity
    var iou: Double?

    mutating func add(_ metrics: ErrorMetrics) {
      relative = max(relative, metrics.relativeError)
      sqnr = min(sqnr, metrics.sqnrDecibels)
      if let masks = metrics.masks { iou = min(iou ?? 1, masks.iou) }
    }
  }

  /// A shell pattern of the taps that differ from this one in the number of the call, or in a prediction's step, frame
  /// and object, at most. Other numbers tell members of lists apart.
  static func pattern(_ id: TapID) -> String {
    switch id {
    case .input(let call, _, _), .output(let call, _):
      "\(literal(call.module.name))/*/\(literal(id.value ?? ""))"
    case .prediction(let value, .some): "\(TapID.Part.prediction)/*/*/*/\(literal(value))"
    case .prediction(_, nil), .other: literal(id.name)
    }
  }

  /// A shell pattern that only the text itself fits: what has a meaning in one stands in brackets.
  private static func literal(_ text: String) -> String {
    text.reduce(into: "") { $0 += "*?[\\".contains($1) ? "[\($1)]" : String($1) }
  }

  /// Two significant digits, not less.
  private static func up(_ value: Double) -> Double { rounded(value, .up) }
  /// Two digits behind the nines, not more.
  private static func down(_ value: Double) -> Double { 1 - rounded(1 - value, .up) }

  private static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
    guard value > 0, value.isFinite else { return value }
    let digits = 1 - Int(log10(value).rounded(.down))
    // A power of ten with a whole exponent is exact only upwards, so scales are divided by.
    return digits >= 0
      ? (value * pow(10, Double(digits))).rounded(rule) / pow(10, Double(digits))
      : (value / pow(10, Double(-digits))).rounded(rule) * pow(10, Double(-digits))
  }
}
