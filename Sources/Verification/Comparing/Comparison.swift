public import Tensors

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

/// What became of one array of the reference.
public struct ArrayComparison: Equatable, Sendable {
  /// What was found in the candidate.
  public enum Outcome: Equatable, Sendable {
    /// An array of the same shape, this far off.
    case matched(ErrorMetrics)
    /// Nothing of that name.
    case missing
    /// An array of that name, but of this shape.
    case shapeMismatch(candidate: Shape)

    /// How far off the array is, where it could be compared.
    public var metrics: ErrorMetrics? {
      guard case .matched(let metrics) = self else { return nil }
      return metrics
    }
  }

  /// The array's name.
  public let name: String
  /// Its shape in the reference.
  public let shape: Shape
  /// What was found in the candidate.
  public let outcome: Outcome
  /// How far off the module alone is, fed what the reference's module was fed; nil where that was not tried.
  public var isolated: ErrorMetrics?
  /// Where the errors are; nil where that was not asked.
  public var heatMap: HeatMap?

  /// What became of an array.
  public init(
    name: String, shape: Shape, outcome: Outcome, isolated: ErrorMetrics? = nil, heatMap: HeatMap? = nil
  ) {
    self.name = name
    self.shape = shape
    self.outcome = outcome
    self.isolated = isolated
    self.heatMap = heatMap
  }

  /// How far off it is, where it could be compared.
  public var metrics: ErrorMetrics? { outcome.metrics }

  /// The smallest relative tolerance under which it passes, as far as that decides; infinite where none helps.
  public var smallestPassingTolerance: Double { metrics?.smallestPassingTolerance ?? .infinity }

  /// What it breaks of a policy; nil if it could not be compared at all.
  public func breaches(_ policy: TolerancePolicy) -> [Breach]? {
    metrics.map { policy.tolerance(for: name).breaches($0) }
  }

  /// Whether it is there and near enough.
  public func passes(_ policy: TolerancePolicy) -> Bool { breaches(policy)?.isEmpty ?? false }

  /// Whether what the module makes of recorded inputs is near enough, if that was tried.
  public func passesIsolated(_ policy: TolerancePolicy) -> Bool {
    isolated.map { policy.accepts($0, of: name) } ?? true
  }

  /// The smallest relative tolerance under which it passes a policy that is otherwise as it is; 0 if what the policy
  /// excepts is enough, infinite where none helps.
  public func smallestPassingTolerance(_ policy: TolerancePolicy) -> Double {
    [0, smallestPassingTolerance].first { $0.isFinite && passes(policy.withRelative($0)) } ?? .infinity
  }

  /// What is odd about it without being wrong, if the policy wants it said.
  public func flags(_ policy: TolerancePolicy) -> [ArrayFlag] {
    guard let metrics else { return [] }
    let tolerance = policy.tolerance(for: name)
    var flags: [ArrayFlag] = []
    if metrics.isZero && tolerance.zero != nil { flags.append(.zero) }
    if metrics.hasNonFinite && tolerance.nonFinite != nil { flags.append(.nonFinite) }
    return flags
  }
}

/// Something odd about an array.
public enum ArrayFlag: String, Codable, Sendable {
  /// All is zero on both sides, as where a hook saw nothing.
  case zero
  /// There are NaN or infinities.
  case nonFinite = "non_finite"
}
