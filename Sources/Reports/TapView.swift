import Taps
import Tensors
import Verification

/// A tap as reports show it: whose it is, how far off, how bad that is.
struct TapView {
  /// The row of the comparison.
  let row: ComparisonReport.Row
  /// Its position in the order of execution.
  let number: Int
  /// The module's path; nil for predictions and names of other programs.
  let module: String?
  /// What of the module it is: `0/output`.
  let part: String
  /// The relative error; infinite where NaN or infinities differ, nil where it could not be compared.
  let error: Double?
  /// The relative error that the module makes by itself, if that was tried.
  let isolated: Double?
  /// The relative error that is allowed, if that is bounded.
  let limit: Double?
  /// What of the policy the module breaks by itself.
  let isolatedBreaches: [Breach]
  /// Whether it is not as it should be.
  let fails: Bool
  /// How bad it is; nil for what could not be seen because a module around its own ran as one.
  let severity: Severity?
  /// Whether it went into its module.
  let isInput: Bool

  init(_ row: ComparisonReport.Row, number: Int, policy: TolerancePolicy) {
    self.row = row
    self.number = number
    let id = TapID(row.name)
    let tolerance = policy.tolerance(for: id)
    limit = tolerance.relative
    module = id.module?.name
    isInput = id.isInput
    part = id.call.flatMap { call in id.value.map { "\(call.number)/\($0)" } } ?? row.name
    error = row.metrics?.smallestPassingTolerance
    isolated = row.isolated?.smallestPassingTolerance
    isolatedBreaches = row.isolated.map(tolerance.breaches) ?? []
    fails = ![.passed, .fused].contains(row.status) || !isolatedBreaches.isEmpty
    severity =
      row.status == .fused
      ? nil : Severity(error: [error, isolated].compactMap { $0 }.max(), limit: limit, fails: fails)
  }

  /// Where it stands in the page.
  var anchor: String { "tap-\(number)" }
  /// What is wrong with it, in a sentence that names it.
  var problem: String { "\(row.name): \(account)" }

  /// What is wrong with it.
  var account: String {
    let shape = "[\(row.shape.map(String.init).joined(separator: ", "))]"
    switch row.status {
    case .fused: return "not seen: \(row.fusedInto ?? "a module around it") ran as one"
    case .missing: return "expected an array of shape \(shape), found none"
    case .shapeMismatch:
      let found = (row.candidateShape ?? []).map(String.init).joined(separator: ", ")
      return "expected shape \(shape), found [\(found)]"
    case .passed, .diverged:
      let reasons = row.breaches.map(\.words) + isolatedBreaches.map { "by itself \($0.words)" }
      let worst = row.metrics?.worst.map {
        "; worst at \($0.index): expected \($0.reference), found \($0.candidate)"
      }
      return "\(reasons.joined(separator: ", "))\(worst ?? "")"
    }
  }
}

extension Breach {
  /// What was found and what would have passed.
  var words: String {
    let name = of.name.replacing("_", with: " ")
    guard let limit, let found else { return name }
    return "\(name) \(Figure.error(found)), allowed \(Figure.error(limit))"
  }
}

/// How bad an error is, by what is allowed.
enum Severity: Int, Comparable, CaseIterable, Sendable {
  case equal, tiny, small, near, past, far, lost

  /// The severity of a relative error; nil for what could not be compared.
  init(error: Double?, limit: Double?, fails: Bool) {
    guard let error else {
      self = fails ? .lost : .equal
      return
    }
    if error == 0 && !fails {
      self = .equal
      return
    }
    let ratio = limit.map { $0 > 0 ? error / $0 : .infinity } ?? (fails ? 2 : 0.05)
    switch (fails, ratio) {
    case (false, ..<0.01): self = .tiny
    case (false, ..<0.1): self = .small
    case (false, _): self = .near
    case (true, ..<10): self = .past
    case (true, ..<100): self = .far
    default: self = .lost
    }
  }

  static func < (first: Severity, second: Severity) -> Bool { first.rawValue < second.rawValue }

  /// The class in the page's style.
  var style: String { "s\(rawValue)" }

  /// What it means.
  var words: String {
    switch self {
    case .equal: "equal"
    case .tiny: "under 1 % of what is allowed"
    case .small: "under 10 %"
    case .near: "within"
    case .past: "past it"
    case .far: "10 times past"
    case .lost: "100 times past, or not there"
    }
  }
}
