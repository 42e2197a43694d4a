import Traces

/// What a policy says about some arrays.
public struct ToleranceRule: Equatable, Sendable {
  /// A shell pattern of the arrays' names.
  public var taps: String
  /// The precisions of the candidate that it is about; all when there are none.
  public var precisions: [String]
  /// Why.
  public var reason: String?
  /// What it says; what is not named there stays as it was.
  public var tolerance: Tolerance

  /// A rule.
  public init(taps: String, precisions: [String] = [], reason: String? = nil, _ tolerance: Tolerance) {
    self.taps = taps
    self.precisions = precisions
    self.reason = reason
    self.tolerance = tolerance
  }

  /// Whether it is about a candidate of that precision.
  func applies(to precision: String) -> Bool { precisions.isEmpty || precisions.contains(precision) }
}
