public import Taps
public import Tensors

/// Every array of a reference held against a candidate.
public struct Comparison: Equatable, Sendable {
  /// What is near enough.
  public var policy: TolerancePolicy
  /// The reference's arrays, in its order.
  public var arrays: [ArrayComparison]
  /// What only the candidate has, in its order.
  public var extra: [TapID]

  /// A comparison.
  public init(policy: TolerancePolicy, arrays: [ArrayComparison], extra: [TapID]) {
    self.policy = policy
    self.arrays = arrays
    self.extra = extra
  }

  /// Whether sketches were compared rather than arrays.
  public var isOfSketches: Bool { arrays.contains { $0.metrics?.sketch != nil } }

  /// Whether modules were run on recorded inputs.
  public var isIsolated: Bool { arrays.contains { $0.isolated != nil } }

  /// Whether there was something to compare, nothing is missing or misshaped, and all that was compared is near enough,
  /// modules by themselves included. What is fused neither helps nor harms.
  public var passes: Bool {
    arrays.contains { $0.metrics != nil }
      && arrays.allSatisfy { !$0.fails(policy) && $0.passesIsolated(policy) }
  }

  /// The arrays that are missing, misshaped or past the tolerance, in order.
  public var failures: [ArrayComparison] { arrays.filter { $0.fails(policy) } }

  /// How many arrays could not be seen because a module around theirs ran as one.
  public var fusedCount: Int { arrays.count(where: \.isFused) }

  /// The first array in order that was compared and is past the tolerance.
  public var firstDivergence: ArrayComparison? {
    arrays.first { $0.metrics != nil && !$0.passes(policy) }
  }

  /// The arrays that are odd in some way that the policy wants said, in order.
  public var flagged: [ArrayComparison] { arrays.filter { !$0.flags(policy).isEmpty } }

  /// The smallest relative tolerance under which all of it passes, exceptions granted; nil where none helps.
  public var smallestPassingTolerance: Double? {
    let largest = arrays.filter { !$0.isFused }.map { $0.smallestPassingTolerance(policy) }.max()
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
    /// Nothing, because that module, around the array's, ran as one.
    case fused(into: ModulePath)
    /// An array of that name, but of this shape.
    case shapeMismatch(candidate: Shape)

    /// How far off the array is, where it could be compared.
    public var metrics: ErrorMetrics? {
      guard case .matched(let metrics) = self else { return nil }
      return metrics
    }
  }

  /// What the array is.
  public let id: TapID
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
    id: TapID, shape: Shape, outcome: Outcome, isolated: ErrorMetrics? = nil, heatMap: HeatMap? = nil
  ) {
    self.id = id
    self.shape = shape
    self.outcome = outcome
    self.isolated = isolated
    self.heatMap = heatMap
  }

  /// Its name in files.
  public var name: String { id.name }

  /// How far off it is, where it could be compared.
  public var metrics: ErrorMetrics? { outcome.metrics }

  /// Whether it could not be seen because a module around its own ran as one: it neither passes nor fails.
  public var isFused: Bool { if case .fused = outcome { true } else { false } }

  /// The smallest relative tolerance under which it passes, as far as that decides; infinite where none helps.
  public var smallestPassingTolerance: Double { metrics?.smallestPassingTolerance ?? .infinity }

  /// What it breaks of a policy; nil if it could not be compared at all.
  public func breaches(_ policy: TolerancePolicy) -> [Breach]? {
    metrics.map { policy.tolerance(for: id).breaches($0) }
  }

  /// Whether it is there and near enough.
  public func passes(_ policy: TolerancePolicy) -> Bool { breaches(policy)?.isEmpty ?? false }

  /// Whether it is missing, misshaped or past a bound.
  public func fails(_ policy: TolerancePolicy) -> Bool { !isFused && !passes(policy) }

  /// Whether what the module makes of recorded inputs is near enough, if that was tried.
  public func passesIsolated(_ policy: TolerancePolicy) -> Bool {
    isolated.map { policy.accepts($0, of: id) } ?? true
  }

  /// The smallest relative tolerance under which it passes a policy that is otherwise as it is; 0 if what the policy
  /// excepts is enough, infinite where none helps.
  public func smallestPassingTolerance(_ policy: TolerancePolicy) -> Double {
    [0, smallestPassingTolerance].first { $0.isFinite && passes(policy.withRelative($0)) } ?? .infinity
  }

  /// What is odd about it without being wrong, if the policy wants it said.
  public func flags(_ policy: TolerancePolicy) -> [ArrayFlag] {
    guard let metrics else { return [] }
    let tolerance = policy.tolerance(for: id)
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
