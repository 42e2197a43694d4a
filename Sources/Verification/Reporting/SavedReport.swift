public import Foundation
import Tensors
import Traces

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
    } catch let error as DecodingError {
      throw ReportError.malformed(file: file, place: error.account.place, problem: error.account.problem)
    }
  }

  /// Reads a report from a file.
  ///
  /// - Throws: `ReportError`.
  public init(path: String) throws {
    guard let json = FileManager.default.contents(atPath: path) else {
      throw ReportError.unreadable(file: path)
    }
    try self.init(json: json, file: path)
  }

  private struct Header: Decodable {
    let format: String?
    let formatVersion: Int?
  }
}

extension TraceComparison {
  /// What a report is of, judged again: by its own policy, or by another one.
  ///
  /// - Throws: `ReportError.malformed` when a row contradicts itself.
  public init(_ report: ComparisonReport, policy: TolerancePolicy? = nil, file: String = "the report") throws {
    let arrays = try report.arrays.map { row in
      let outcome: ArrayComparison.Outcome
      switch (row.status, row.metrics, row.candidateShape) {
      case (.passed, let metrics?, _), (.diverged, let metrics?, _): outcome = .matched(metrics)
      case (.missing, nil, nil): outcome = .missing
      case (.shapeMismatch, nil, let shape?): outcome = .shapeMismatch(candidate: Shape(shape))
      default:
        throw ReportError.malformed(
          file: file, place: row.name, problem: "its status \(row.status.rawValue) does not go with the rest")
      }
      return ArrayComparison(
        name: row.name, shape: Shape(row.shape), outcome: outcome, isolated: row.isolated, heatMap: row.heatMap)
    }
    let chosen = policy?.narrowed(to: report.candidate.precision) ?? report.policy
    let comparison = Comparison(policy: chosen, arrays: arrays, extra: report.extra)
    // Causes were tested on tensors that are not at hand any more.
    let divergence = report.divergence.flatMap { saved in
      FirstDivergence(comparison) { [saved.tap, saved.origin.tap].contains($0) ? saved.hints : [] }
    }
    self.init(
      reference: report.reference, candidate: report.candidate, differences: report.differences,
      comparison: comparison, divergence: divergence)
  }
}
