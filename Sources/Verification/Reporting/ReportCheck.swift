import Tensors

/// Whether what a saved report says can be: its counts and sizes, which drawings and tables rely on.
extension ComparisonReport {
  /// Parts of a dotted name, which modules within modules are.
  private static let mostParts = 256

  /// - Throws: `ReportError.malformed`.
  func check(file: String) throws(ReportError) {
    for row in arrays {
      func require(_ isSo: Bool, _ problem: @autoclosure () -> String) throws(ReportError) {
        guard isSo else { throw .malformed(file: file, place: row.name.beginning, problem: problem()) }
      }
      let parts = row.name.utf8.count { $0 == UInt8(ascii: ".") } + 1
      try require(
        parts <= Self.mostParts, "expected a name of at most \(Self.mostParts) parts, found \(parts)")
      for shape in [row.shape, row.candidateShape ?? []] {
        try require(Shape(counting: shape) != nil, "expected a shape that an array can have, found \(shape)")
      }
      for metrics in [row.metrics, row.isolated].compactMap({ $0 }) {
        if let problem = metrics.problem { try require(false, problem) }
      }
      if let problem = row.heatMap?.problem { try require(false, problem) }
    }
    guard (divergence?.carried ?? 0) >= 0 else {
      throw .malformed(
        file: file, place: "divergence.carried", problem: "expected a count, found \(divergence?.carried ?? 0)")
    }
  }
}

extension ErrorMetrics {
  /// What can't be about the counts; nil where nothing is.
  fileprivate var problem: String? {
    if let problem = errorHistogram.problem { return problem }
    let counts = [
      ("count", count), ("non_finite_mismatches", nonFiniteMismatches),
      ("reference_non_finite.nan", referenceNonFinite.nan),
      ("reference_non_finite.infinite", referenceNonFinite.infinite),
      ("candidate_non_finite.nan", candidateNonFinite.nan),
      ("candidate_non_finite.infinite", candidateNonFinite.infinite),
      ("masks.masks", masks?.masks ?? 0), ("masks.flipped", masks?.flipped ?? 0),
      ("kl_divergence.rows", klDivergence?.rows ?? 0),
    ]
    return counts.first { $0.1 < 0 }.map { "expected \($0.0) to be a count, found \($0.1)" }
  }
}

extension ErrorHistogram {
  fileprivate var problem: String? {
    let expected = ErrorHistogram()
    guard counts.count == expected.counts.count, lowestDecade == expected.lowestDecade else {
      return
        "expected an error_histogram of \(expected.counts.count) counts from 1e\(expected.lowestDecade) on, "
        + "found \(counts.count) from 1e\(lowestDecade) on"
    }
    let sum = ([equal] + counts).reduce(0 as Int?) { sum, count in
      guard let (next, overflow) = sum?.addingReportingOverflow(count), count >= 0, !overflow else {
        return nil
      }
      return next
    }
    return sum == nil ? "expected an error_histogram of counts, found \(equal) and \(counts)" : nil
  }
}

extension HeatMap {
  fileprivate var problem: String? {
    let sides = 0...Self.largestSide
    guard sides.contains(rows), sides.contains(columns), values.count == rows * columns else {
      return "expected a heat_map of at most \(Self.largestSide) rows and columns and as many values, "
        + "found \(rows) × \(columns) and \(values.count) values"
    }
    return nil
  }
}

extension String {
  /// The beginning of a long one.
  fileprivate var beginning: String { utf8.count > 200 ? "\(prefix(100))…" : self }
}
