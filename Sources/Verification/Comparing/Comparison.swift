/// Every array of a reference held against a candidate.
public struct Comparison: Equatable, Sendable {
  /// What is near enough.
  public var policy: TolerancePolicy
  /// The reference's arrays, in its order.
  public var arrays: [ArrayComparison]
  /// The names that only the candidate has, in its order.
  public var extra: [String]

  /// A comparison.
  public init(policy: TolerancePolicy, arrays: [ArrayComparison], extra: [String]) {
    self.policy = policy
    self.arrays = arrays
    self.extra = extra
  }

  /// Whether sketches were compared rather than arrays.
  public var isOfSketches: Bool { arrays.contains { $0.metrics?.sketch != nil } }

  /// Whether modules were run on recorded inputs.
  public var isIsolated: Bool { arrays.contains { $0.isolated != nil } }

  /// Whether there was something to compare, nothing is missing or misshaped, and all of it is near enough, modules by
  /// themselves included.
  public var passes: Bool {
    !arrays.isEmpty && arrays.allSatisfy { $0.passes(policy) && $0.passesIsolated(policy) }
  }

  /// The arrays that are missing, misshaped or past the tolerance, in order.
  public var failures: [ArrayComparison] { arrays.filter { !$0.passes(policy) } }

  /// The first array in order that was compared and is past the tolerance.
  public var firstDivergence: ArrayComparison? {
    arrays.first { $0.metrics != nil && !$0.passes(policy) }
  }

  /// The arrays that are odd in some way that the policy wants said, in order.
  public var flagged: [ArrayComparison] { arrays.filter { !$0.flags(policy).isEmpty } }

  /// The smallest relative tolerance under which all of it passes, exceptions granted; nil where none helps.
  public var smallestPassingTolerance: Double? {
    let largest = arrays.map { $0.smallestPassingTolerance(policy) }.max()
    return largest.flatMap { $0.isFinite ? $0 : nil }
  }
}
