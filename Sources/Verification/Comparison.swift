public import Tensors

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
  }

  /// The array's name.
  public let name: String
  /// Its shape in the reference.
  public let shape: Shape
  /// What was found in the candidate.
  public let outcome: Outcome

  /// How far off it is, where it could be compared.
  public var metrics: ErrorMetrics? {
    guard case .matched(let metrics) = outcome else { return nil }
    return metrics
  }

  /// The smallest relative tolerance under which it passes; infinite where none helps.
  public var smallestPassingTolerance: Double { metrics?.smallestPassingTolerance ?? .infinity }

  /// Whether it is there and near enough.
  public func passes(_ tolerance: Tolerance) -> Bool {
    metrics.map { tolerance.accepts($0, of: name) } ?? false
  }
}

/// Every array of a reference held against a candidate.
public struct Comparison: Equatable, Sendable {
  /// What is near enough.
  public let tolerance: Tolerance
  /// The reference's arrays, in its order.
  public let arrays: [ArrayComparison]
  /// The names that only the candidate has, in its order.
  public let extra: [String]

  /// Whether sketches were compared rather than arrays.
  public var isOfSketches: Bool { arrays.contains { $0.metrics?.sketch != nil } }

  /// Whether there was something to compare, nothing is missing or misshaped, and all of it is near enough.
  public var passes: Bool { !arrays.isEmpty && arrays.allSatisfy { $0.passes(tolerance) } }

  /// The arrays that are missing, misshaped or past the tolerance, in order.
  public var failures: [ArrayComparison] { arrays.filter { !$0.passes(tolerance) } }

  /// The first array in order that was compared and is past the tolerance.
  public var firstDivergence: ArrayComparison? {
    arrays.first { $0.metrics != nil && !$0.passes(tolerance) }
  }

  /// The smallest relative tolerance under which all of it passes, exceptions granted; nil where none helps.
  public var smallestPassingTolerance: Double? {
    var bare = tolerance
    bare.relative = 0
    let largest = arrays.map { $0.passes(bare) ? 0 : $0.smallestPassingTolerance }.max()
    return largest.flatMap { $0.isFinite ? $0 : nil }
  }
}
