import Foundation
import Verification

/// How often errors of each decade occur, as bars; those past what is allowed stand out.
struct HistogramDrawing {
  private static let (width, height) = (320.0, 150.0)
  private static let (left, right, top, bottom) = (4.0, 4.0, 14.0, 24.0)

  private let histogram: ErrorHistogram
  /// The error that is allowed to an element.
  private let limit: Double?

  init(_ histogram: ErrorHistogram, limit: Double?) {
    self.histogram = histogram
    self.limit = limit
  }

  func markup(title: String) -> Markup {
    let equal = Figure.fixed(100 * Double(histogram.equal) / Double(max(1, histogram.total)), 1)
    return .element(
      "figure", ["class": "histogram"],
      [
        .element("figcaption", [:], Markup(title)),
        .element(
          "svg",
          [
            "viewBox": "0 0 \(Figure.coordinate(Self.width)) \(Figure.coordinate(Self.height))", "role": "img",
            "aria-label":
              "Histogram of log error: \(equal) % of \(histogram.total) elements are equal, the largest errors reach \(reach)",
          ], bars + limitMark + labels),
        .element(
          "p", ["class": "note"], Markup("share of \(Figure.count(histogram.total)) elements by |error|")),
      ])
  }

  /// Equal ones first, then a bar for each decade.
  private var counts: [Int] { [histogram.equal] + histogram.counts }

  private var reach: String {
    guard let last = histogram.counts.lastIndex(where: { $0 > 0 }) else { return "0" }
    return last < ErrorHistogram.edges.count ? "1e\(histogram.lowestDecade + last)" : "beyond 1e3"
  }

  private var step: Double { (Self.width - Self.left - Self.right) / Double(counts.count) }

  private var bars: [Markup] {
    let total = Double(max(1, histogram.total))
    return counts.enumerated().compactMap { place, count in
      guard count > 0 else { return nil }
      // A root keeps rare errors visible beside common ones.
      let share = (Double(count) / total).squareRoot()
      let length = max(1.5, share * (Self.height - Self.top - Self.bottom))
      let lowerEdge = place < 2 ? 0 : ErrorHistogram.edges[place - 2]
      let isPast = limit.map { lowerEdge >= $0 } ?? false
      return .element(
        "rect",
        [
          "class": place == 0 ? "bar equal" : isPast ? "bar past" : "bar",
          "x": Figure.coordinate(Self.left + step * Double(place) + 1), "width": Figure.coordinate(step - 2),
          "y": Figure.coordinate(Self.height - Self.bottom - length), "height": Figure.coordinate(length),
        ], .element("title", [:], Markup("\(name(place)): \(Figure.count(count)) elements")))
    }
  }

  private func name(_ place: Int) -> String {
    let lowest = histogram.lowestDecade
    return switch place {
    case 0: "equal"
    case 1: "below 1e\(lowest)"
    case counts.count - 1: "1e\(lowest + place - 2) and more"
    default: "1e\(lowest + place - 2) to 1e\(lowest + place - 1)"
    }
  }

  /// The error that is allowed, where it is within the decades.
  private var limitMark: [Markup] {
    guard let limit, limit > 0, limit.isFinite else { return [] }
    let place = 2 + log10(limit) - Double(histogram.lowestDecade)
    guard place >= 1, place <= Double(counts.count) else { return [] }
    let x = Figure.coordinate(Self.left + step * place)
    return [
      .element(
        "line",
        ["class": "limit", "x1": x, "x2": x, "y1": "4", "y2": Figure.coordinate(Self.height - Self.bottom)],
        .element("title", [:], Markup("allowed: \(Figure.error(limit))")))
    ]
  }

  private var labels: [Markup] {
    let lowest = histogram.lowestDecade
    let marks =
      [(0.5, "=")]
      + stride(from: 0, through: ErrorHistogram.edges.count - 1, by: 3).map {
        (Double($0) + 2, "1e\(lowest + $0)")
      }
    let base = Markup.element(
      "line",
      [
        "class": "grid", "x1": Figure.coordinate(Self.left), "x2": Figure.coordinate(Self.width - Self.right),
        "y1": Figure.coordinate(Self.height - Self.bottom), "y2": Figure.coordinate(Self.height - Self.bottom),
      ])
    return [base]
      + marks.map { place, text in
        .element(
          "text",
          [
            "class": "scale", "x": Figure.coordinate(Self.left + step * place), "text-anchor": "middle",
            "y": Figure.coordinate(Self.height - 8),
          ], Markup(text))
      }
  }
}
