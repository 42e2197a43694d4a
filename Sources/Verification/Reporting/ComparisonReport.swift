internal import Files
public import Foundation
import Taps
import Tensors
import Traces

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
  public let reference: Verdict.Side
  /// The trace that is held against it.
  public let candidate: Verdict.Side
  /// What was compared: `arrays` or `sketches`.
  public let compared: String
  /// What makes the comparison doubtful.
  public let differences: [Verdict.Difference]
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
    /// The module that ran as one, where the array is fused into it.
    public let fusedInto: String?
    /// Its shape in the candidate, where that differs.
    public let candidateShape: [Int]?
    /// How far off it is, where it could be compared.
    public let metrics: ErrorMetrics?
    /// How far off the module alone is, where that was tried.
    public let isolated: ErrorMetrics?
    /// Where the errors are, where that was asked.
    public let heatMap: HeatMap?
  }

  /// How many arrays are fused.
  public var fused: Int { arrays.count { $0.status == .fused } }

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
    /// The candidate has none because a module around this one ran as one; it neither passes nor fails.
    case fused
  }

  /// The report of a comparison.
  public init(_ traces: Verdict) {
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
    extra = comparison.extra.map(\.name)
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
    fusedInto = if case .fused(let module) = array.outcome { module.name } else { nil }
    switch array.outcome {
    case .matched:
      status = breaches.isEmpty ? .passed : .diverged
      candidateShape = nil
    case .missing:
      status = .missing
      candidateShape = nil
    case .fused:
      status = .fused
      candidateShape = nil
    case .shapeMismatch(let found):
      status = .shapeMismatch
      candidateShape = found.extents
    }
  }
}

extension ComparisonReport {
  /// Reads a report; `file` is what errors call it.
  ///
  /// - Throws: `ReportError`.
  public init(json: Data, file: String = "the report") throws {
    do {
      let header: Header = try ReportCoding.decode(json)
      guard header.format == Self.format else {
        throw ReportError.notAReport(file: file, found: header.format ?? "no format")
      }
      guard header.formatVersion == Self.formatVersion else {
        throw ReportError.unsupportedVersion(
          file: file, expected: Self.formatVersion, found: header.formatVersion ?? 0)
      }
      self = try ReportCoding.decode(json)
      try check(file: file)
    } catch let error as DecodingError {
      let account = error.account(of: json)
      throw ReportError.malformed(file: file, place: account.place, problem: account.problem)
    }
  }

  /// Reads a report from a file.
  ///
  /// - Throws: `FileError`, `ReportError`.
  public init(path: String) throws {
    try self.init(json: Data(MappedFile.contents(of: path)), file: path)
  }

  private struct Header: Decodable {
    let format: String?
    let formatVersion: Int?
  }
}

extension Verdict {
  /// What a report is of, judged again: by its own policy, or by another one.
  ///
  /// - Throws: `ReportError.malformed` when a row contradicts itself.
  public init(_ report: ComparisonReport, policy: TolerancePolicy? = nil, file: String = "the report") throws {
    let arrays = try report.arrays.map { row in
      let outcome: ArrayComparison.Outcome
      switch (row.status, row.metrics, row.candidateShape) {
      case (.passed, let metrics?, _), (.diverged, let metrics?, _): outcome = .matched(metrics)
      case (.missing, nil, nil): outcome = .missing
      case (.fused, nil, nil) where row.fusedInto != nil:
        outcome = .fused(into: ModulePath(row.fusedInto ?? ""))
      case (.shapeMismatch, nil, let shape?): outcome = .shapeMismatch(candidate: Shape(shape))
      default:
        throw ReportError.malformed(
          file: file, place: row.name, problem: "its status \(row.status.rawValue) does not go with the rest")
      }
      return ArrayComparison(
        id: TapID(row.name), shape: Shape(row.shape), outcome: outcome, isolated: row.isolated,
        heatMap: row.heatMap)
    }
    let chosen = policy?.narrowed(to: report.candidate.precision) ?? report.policy
    let comparison = Comparison(policy: chosen, arrays: arrays, extra: report.extra.map { TapID($0) })
    // Causes were tested on tensors that are not at hand any more.
    let divergence = report.divergence.flatMap { saved in
      FirstDivergence(comparison) { [saved.tap, saved.origin.tap].contains($0) ? saved.hints : [] }
    }
    self.init(
      reference: report.reference, candidate: report.candidate, differences: report.differences,
      comparison: comparison, divergence: divergence)
  }
}

/// What can be wrong with a saved report.
public enum ReportError: Error, Equatable, CustomStringConvertible {
  /// JSON, but no report of a comparison.
  case notAReport(file: String, found: String)
  /// A report of a version that is not read here.
  case unsupportedVersion(file: String, expected: Int, found: Int)
  /// Something in it is not as it should be.
  case malformed(file: String, place: String, problem: String)

  /// One sentence naming the file, what was expected and what was found.
  public var description: String {
    switch self {
    case .notAReport(let file, let found):
      "\(file): expected the report that compare --json prints, with format \(ComparisonReport.format), found \(found)"
    case .unsupportedVersion(let file, let expected, let found):
      "\(file): expected a report of version \(expected), found version \(found); compare again to have one"
    case .malformed(let file, let place, let problem): "\(file): \(place): \(problem)"
    }
  }
}
