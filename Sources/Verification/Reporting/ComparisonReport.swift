public import Foundation
import Tensors

/// A comparison as JSON, for machines to read, and for judging it again.
///
/// Keys are in snake_case. Infinite numbers and NaN, which JSON has no words for, are the strings `"inf"`, `"-inf"` and
/// `"nan"`. What there is none of is left out.
public struct ComparisonReport: Equatable, Sendable, Codable {
  static let format = "sam2kit.comparison"
  static let formatVersion = 2

  /// Always `sam2kit.comparison`.
  public let format: String
  /// The version of this layout: 2.
  public let formatVersion: Int
  /// The trace that is taken to be right.
  public let reference: TraceComparison.Side
  /// The trace that is held against it.
  public let candidate: TraceComparison.Side
  /// What was compared: `arrays` or `sketches`.
  public let compared: String
  /// What makes the comparison doubtful.
  public let differences: [TraceComparison.Difference]
  /// What was near enough.
  public let policy: TolerancePolicy
  /// The verdict.
  public let passes: Bool
  /// The smallest relative tolerance under which all passes.
  public let smallestPassingTolerance: Double?
  /// The name of the first array past the tolerance.
  public let firstDivergence: String?
  /// Where the error begins and what brings it about, if anybody looked.
  public let divergence: FirstDivergence?
  /// Every array of the reference, in order.
  public let arrays: [Row]
  /// The names that only the candidate has.
  public let extra: [String]

  /// One array of the reference.
  public struct Row: Equatable, Sendable, Codable {
    /// Its name.
    public let name: String
    /// Its shape in the reference.
    public let shape: [Int]
    /// What became of it.
    public let status: Status
    /// What of the policy it breaks; empty where it passes.
    public let breaches: [Breach]
    /// What is odd about it.
    public let flags: [ArrayFlag]
    /// The smallest relative tolerance under which it passes; left out where none helps.
    public let smallestPassingTolerance: Double?
    /// Its shape in the candidate, where that differs.
    public let candidateShape: [Int]?
    /// How far off it is, where it could be compared.
    public let metrics: ErrorMetrics?
    /// How far off the module alone is, where that was tried.
    public let isolated: ErrorMetrics?
    /// Where the errors are, where that was asked.
    public let heatMap: HeatMap?
  }

  /// What became of an array.
  public enum Status: String, Codable, Sendable {
    /// It is near enough.
    case passed
    /// It is not.
    case diverged
    /// The candidate has none of that name.
    case missing
    /// The candidate has one of another shape.
    case shapeMismatch = "shape_mismatch"
  }

  /// The report of a comparison.
  public init(_ traces: TraceComparison) {
    let comparison = traces.comparison
    format = Self.format
    formatVersion = Self.formatVersion
    reference = traces.reference
    candidate = traces.candidate
    compared = comparison.isOfSketches ? "sketches" : "arrays"
    differences = traces.differences
    policy = comparison.policy
    passes = comparison.passes
    smallestPassingTolerance = comparison.smallestPassingTolerance
    firstDivergence = comparison.firstDivergence?.name
    divergence = traces.divergence
    arrays = comparison.arrays.map { Row($0, comparison.policy) }
    extra = comparison.extra
  }

  /// The report as JSON, indented, keys in order.
  ///
  /// - Throws: `EncodingError`.
  public func json() throws -> Data { try ReportCoding.encode(self) }
}

extension ComparisonReport.Row {
  init(_ array: ArrayComparison, _ policy: TolerancePolicy) {
    let smallest = array.smallestPassingTolerance(policy)
    name = array.name
    shape = array.shape.extents
    breaches = array.breaches(policy) ?? []
    flags = array.flags(policy)
    smallestPassingTolerance = smallest.isFinite ? smallest : nil
    metrics = array.metrics
    isolated = array.isolated
    heatMap = array.heatMap
    switch array.outcome {
    case .matched:
      status = breaches.isEmpty ? .passed : .diverged
      candidateShape = nil
    case .missing:
      status = .missing
      candidateShape = nil
    case .shapeMismatch(let found):
      status = .shapeMismatch
      candidateShape = found.extents
    }
  }
}
