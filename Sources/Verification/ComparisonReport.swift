public import Foundation
import Tensors

/// A comparison as JSON, for machines to read.
///
/// Keys are in snake_case. Infinite numbers and NaN, which JSON has no words for, are the strings `"inf"`, `"-inf"` and
/// `"nan"`. `smallest_passing_tolerance` and `first_divergence` are left out where there is none.
public struct ComparisonReport: Equatable, Sendable, Codable {
  /// Always `sam2kit.comparison`.
  public let format: String
  /// The version of this layout: 1.
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
  public let tolerance: Tolerance
  /// The verdict.
  public let passes: Bool
  /// The smallest relative tolerance under which all passes.
  public let smallestPassingTolerance: Double?
  /// The name of the first array past the tolerance.
  public let firstDivergence: String?
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
    /// `passed`, `diverged`, `missing` or `shape_mismatch`.
    public let status: String
    /// Its shape in the candidate, where that differs.
    public let candidateShape: [Int]?
    /// How far off it is, where it could be compared.
    public let metrics: ErrorMetrics?
  }

  /// The report of a comparison.
  public init(_ traces: TraceComparison) {
    let comparison = traces.comparison
    format = "sam2kit.comparison"
    formatVersion = 1
    reference = traces.reference
    candidate = traces.candidate
    compared = comparison.isOfSketches ? "sketches" : "arrays"
    differences = traces.differences
    tolerance = comparison.tolerance
    passes = comparison.passes
    smallestPassingTolerance = comparison.smallestPassingTolerance
    firstDivergence = comparison.firstDivergence?.name
    arrays = comparison.arrays.map { Row($0, comparison.tolerance) }
    extra = comparison.extra
  }

  /// Reads a report.
  ///
  /// - Throws: `DecodingError`.
  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(ComparisonReport.self, from: json)
  }

  /// The report as JSON, indented, keys in order.
  ///
  /// - Throws: `EncodingError`.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self)
  }
}

extension ComparisonReport.Row {
  init(_ array: ArrayComparison, _ tolerance: Tolerance) {
    name = array.name
    shape = array.shape.extents
    metrics = array.metrics
    switch array.outcome {
    case .matched:
      status = array.passes(tolerance) ? "passed" : "diverged"
      candidateShape = nil
    case .missing:
      status = "missing"
      candidateShape = nil
    case .shapeMismatch(let found):
      status = "shape_mismatch"
      candidateShape = found.extents
    }
  }
}
