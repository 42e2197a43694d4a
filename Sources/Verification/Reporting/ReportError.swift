/// What can be wrong with a saved report.
public enum ReportError: Error, Equatable, CustomStringConvertible {
  /// There is no such file.
  case unreadable(file: String)
  /// JSON, but no report of a comparison.
  case notAReport(file: String, found: String)
  /// A report of a version that is not read here.
  case unsupportedVersion(file: String, expected: Int, found: Int)
  /// Something in it is not as it should be.
  case malformed(file: String, place: String, problem: String)

  /// One sentence naming the file, what was expected and what was found.
  public var description: String {
    switch self {
    case .unreadable(let file): "\(file): expected a report, found no such file or none that can be read"
    case .notAReport(let file, let found):
      "\(file): expected the report that compare --json prints, with format \(ComparisonReport.format), found \(found)"
    case .unsupportedVersion(let file, let expected, let found):
      "\(file): expected a report of version \(expected), found version \(found); compare again to have one"
    case .malformed(let file, let place, let problem): "\(file): \(place): \(problem)"
    }
  }
}
