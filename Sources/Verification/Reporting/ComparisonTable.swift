import Files
import Foundation
import Tensors

/// A comparison as a table for the terminal, and the verdict below it.
public struct ComparisonTable: Sendable {
  /// How rows follow each other.
  public enum Order: String, Sendable, CaseIterable {
    /// As the model ran: the first row that fails is where it went wrong.
    case execution
    /// What fails first, the furthest off before the others.
    case worst
  }

  private let comparison: Comparison
  private let order: Order
  private let limit: Int?
  private let isColoured: Bool

  /// A table of at most `limit` rows, in the terminal's colours if asked.
  public init(
    _ comparison: Comparison, order: Order = .execution, limit: Int? = nil, isColoured: Bool = false
  ) {
    self.comparison = comparison
    self.order = order
    self.limit = limit
    self.isColoured = isColoured
  }

  /// The whole text: columns, rows, and the verdict.
  public var text: String { (rows + ["", verdict]).joined(separator: "\n") }

  /// The columns; what modules make of recorded inputs has one where any was isolated.
  private var headings: [String] {
    let isolated = comparison.isIsolated ? ["isolated"] : []
    return ["", "tap", "shape", "max abs", "mean abs", "relative"] + isolated + ["cosine", "SQNR dB"]
  }

  /// The heading and one line per array.
  private var rows: [String] {
    var arrays = comparison.arrays
    if order == .worst {
      // Sorting is not stable, so equals keep their order by their position.
      arrays = arrays.enumerated().sorted {
        let (first, second) = (badness($0.element), badness($1.element))
        return first == second ? $0.offset < $1.offset : first > second
      }.map(\.element)
    }
    let shown = arrays.prefix(limit ?? arrays.count)
    var lines = aligned([headings] + shown.map { cells($0).map { $0.shownName } })
    lines[0] = coloured(lines[0], .bold)
    for (index, array) in shown.enumerated() {
      lines[index + 1] = coloured(lines[index + 1], colour(of: array))
    }
    if shown.count < arrays.count { lines.append("… \(arrays.count - shown.count) more") }
    return lines
  }

  /// What rows are sorted by; there is nothing bad about what is fused.
  private func badness(_ array: ArrayComparison) -> Double {
    array.isFused ? 0 : array.smallestPassingTolerance
  }

  private func cells(_ array: ArrayComparison) -> [String] {
    let mark =
      array.isFused
      ? "–" : array.passes(comparison.policy) && array.passesIsolated(comparison.policy) ? "ok" : "FAIL"
    switch array.outcome {
    case .fused(let module): return [mark, array.name, "\(array.shape)", "fused into \(module)"]
    case .missing: return [mark, array.name, "\(array.shape)", "missing"]
    case .shapeMismatch(let found): return [mark, array.name, "\(array.shape)", "found \(found)"]
    case .matched(let metrics):
      let alone = array.isolated.map { scientific($0.relativeError) } ?? "–"
      let cells =
        [
          mark, array.name, "\(array.shape)", scientific(metrics.maxAbsError),
          scientific(metrics.meanAbsError), scientific(metrics.relativeError),
        ] + (comparison.isIsolated ? [alone] : []) + [
          fixed(metrics.cosineSimilarity, 7), fixed(metrics.sqnrDecibels, 1),
        ]
      return cells + remarks(metrics, comparison.policy.tolerance(for: array.id))
    }
  }

  /// A number with that many decimals, a dash where there is none.
  private func fixed(_ value: Double, _ decimals: Int) -> String {
    value.isNaN ? "–" : String(format: "%.\(decimals)f", value)
  }

  /// What the numbers don't say.
  private func remarks(_ metrics: ErrorMetrics, _ tolerance: Tolerance) -> [String] {
    var remarks: [String] = []
    if metrics.nonFiniteMismatches > 0 {
      remarks.append("\(metrics.nonFiniteMismatches) NaN or Inf differ")
    } else if metrics.hasNonFinite && tolerance.nonFinite != nil {
      let count = metrics.referenceNonFinite
      remarks.append("\(count.nan) NaN and \(count.infinite) Inf on both sides")
    }
    if metrics.isZero && tolerance.zero != nil { remarks.append("all zeros on both sides") }
    if let masks = metrics.masks, masks.flipped > 0 {
      remarks.append(
        "\(masks.flipped) pixels flip, logits up to \(scientific(masks.largestFlippedLogit)), "
          + String(format: "IoU %.5f", masks.iou))
    }
    let broken = tolerance.breaches(metrics).filter { $0.of != .bound(.relative) && $0.limit != nil }
    for breach in broken where breach.of != .nonFiniteMismatch {
      remarks.append(
        "\(breach.of.name) \(scientific(breach.found ?? 0)) past \(scientific(breach.limit ?? 0))")
    }
    return remarks
  }

  /// What a terminal understands.
  private enum Colour: String {
    case bold = "1"
    case red = "31"
    case yellow = "33"
    case green = "32"
  }

  /// What fails is red; what is odd, or within a factor of ten of its tolerance, yellow.
  private func colour(of array: ArrayComparison) -> Colour? {
    guard !array.isFused else { return nil }
    guard array.passes(comparison.policy), array.passesIsolated(comparison.policy) else { return .red }
    let tolerance = comparison.policy.tolerance(for: array.id)
    if !array.flags(comparison.policy).isEmpty { return .yellow }
    guard let limit = tolerance.relative, limit > 0 else { return nil }
    return array.smallestPassingTolerance > 0.1 * limit ? .yellow : nil
  }

  private func coloured(_ line: String, _ colour: Colour?) -> String {
    guard isColoured, let colour else { return line }
    return "\u{1B}[\(colour.rawValue)m\(line)\u{1B}[0m"
  }

  /// Whether it passes, what fails, and where it begins.
  private var verdict: String {
    let arrays = comparison.arrays
    let missing = arrays.count { $0.outcome == .missing }
    let misshaped = arrays.count { if case .shapeMismatch = $0.outcome { true } else { false } }
    let fused = comparison.fusedCount
    let diverged = comparison.failures.count - missing - misshaped
    let limit =
      comparison.policy.defaults.relative.map { "the relative tolerance \(scientific($0))" }
      ?? "the policy \(comparison.policy.name.shownName)"
    let word = comparison.passes ? coloured("PASS", .green) : coloured("FAIL", .red)
    var lines = [
      "\(word): \(arrays.count - missing - misshaped - fused) compared, \(diverged) past "
        + "\(limit), \(missing) missing, "
        + "\(misshaped) misshaped, \(comparison.extra.count) only in the candidate"
        + (fused > 0 ? ", \(fused) fused into modules that ran as one" : "")
    ]
    if comparison.isIsolated {
      let isolated = arrays.filter { $0.isolated != nil }
      let failing = isolated.count { !$0.passesIsolated(comparison.policy) }
      lines.append(
        "Isolated: \(isolated.count) compared, \(failing) past the tolerance; relative errors of what modules, and what "
          + "lies between them, make of recorded inputs.")
    }
    if comparison.isOfSketches {
      lines.append(
        "Sketches were compared: max and mean abs are of samples, cosine and SQNR estimates, relative the worst of "
          + "samples, projections, norm and moments.")
    }
    if arrays.count == fused { lines.append("There was nothing to compare.") }
    let zeros = arrays.filter { $0.flags(comparison.policy).contains(.zero) }
    if !zeros.isEmpty {
      lines.append(
        "All zeros on both sides, so that nothing was checked: \(zeros.map { $0.name.shownName }.joined(separator: ", "))"
      )
    }
    if let smallest = comparison.smallestPassingTolerance {
      lines.append("Smallest tolerance that passes: \(scientific(smallest))")
    }
    return lines.joined(separator: "\n")
  }

  /// Columns as wide as their widest cell: text to the left, numbers to the right. A cell that stands for all the
  /// numbers, and remarks behind them, don't count for the width.
  private func aligned(_ rows: [[String]]) -> [String] {
    let textColumns = 3
    var widths = [Int](repeating: 0, count: headings.count)
    for row in rows {
      let counted = row.count < headings.count ? textColumns : headings.count
      for column in 0..<counted { widths[column] = max(widths[column], row[column].count) }
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        guard column < widths.count, row.count >= headings.count || column < textColumns else { return cell }
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column < textColumns ? cell + padding : padding + cell
      }
      return cells.joined(separator: "  ")
    }
  }
}
