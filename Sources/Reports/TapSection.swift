import Taps
import Verification

/// Every tap: a line that opens to its numbers, the histogram of its errors and where they are.
struct TapSection {
  private let taps: [TapView]
  private let extra: [String]

  init(_ taps: [TapView], extra: [String]) {
    self.taps = taps
    self.extra = extra
  }

  var markup: Markup {
    let controls = Markup.element(
      "div", ["class": "controls", "hidden": "hidden", "id": "controls"],
      [
        .element(
          "label", [:],
          ["Find ", .element("input", ["id": "find", "type": "search", "placeholder": "blocks.3"])]),
        .element("label", [:], [.element("input", ["id": "failing", "type": "checkbox"]), " failing alone"]),
        .element("label", [:], [.element("input", ["id": "worst", "type": "checkbox"]), " worst first"]),
      ])
    let others: [Markup] =
      extra.isEmpty
      ? []
      : [
        .element(
          "details", ["class": "extra"],
          [.element("summary", [:], Markup("\(extra.count) arrays that only the candidate has"))]
            + [.element("ul", [:], extra.map { .element("li", [:], .element("code", [:], Markup($0))) })])
      ]
    return .section(
      "taps", "Taps",
      [controls, .element("div", ["id": "list"], taps.map { TapCard($0).markup })] + others)
  }
}

/// One tap.
private struct TapCard {
  private let tap: TapView

  init(_ tap: TapView) { self.tap = tap }

  var markup: Markup {
    let metrics = tap.row.metrics
    let rank =
      tap.row.status == .fused
      ? 0 : tap.error.map { $0.isFinite ? $0 : .greatestFiniteMagnitude } ?? Double.greatestFiniteMagnitude
    let summary = Markup.element(
      "summary", [:],
      [
        .chip(tap.severity), .element("span", ["class": "name"], Markup(tap.row.name)),
        .element("span", ["class": mark.style], Markup(mark.sign)),
        .element("span", ["class": "number"], Markup(tap.error.map(Figure.error) ?? words)),
        .element("span", ["class": "alone"], Markup(tap.isolated.map { "alone \(Figure.error($0))" } ?? "")),
      ])
    var content: [Markup] = []
    if tap.fails {
      content.append(.element("p", ["class": "problem"], Markup(tap.problem)))
    } else if tap.row.status == .fused {
      content.append(.element("p", ["class": "note"], Markup(tap.problem)))
    }
    if let metrics {
      content.append(.element("div", ["class": "panels"], panels(metrics)))
    }
    return .element(
      "details",
      [
        "class": "tap", "id": tap.anchor, "data-fails": tap.fails ? "1" : "0", "data-error": "\(rank)",
        "data-name": tap.row.name,
      ], [summary] + content)
  }

  private var words: String {
    switch tap.row.status {
    case .missing: "missing"
    case .fused: "fused"
    case .passed, .diverged, .shapeMismatch: "misshaped"
    }
  }

  private var mark: (style: String, sign: String) {
    tap.fails ? ("mark bad", "✗") : tap.row.status == .fused ? ("mark", "–") : ("mark good", "✓")
  }

  private func panels(_ metrics: ErrorMetrics) -> [Markup] {
    let isSketch = metrics.sketch != nil
    let numbers = Markup.element(
      "dl", ["class": "numbers"],
      rows(metrics).flatMap { [.element("dt", [:], Markup($0)), .element("dd", [:], Markup($1))] })
    var panels = [numbers]
    if metrics.errorHistogram.total > 0 {
      panels.append(
        HistogramDrawing(
          metrics.errorHistogram, limit: tap.limit.map { $0 * max(metrics.referenceMagnitude, 0) }
        )
        .markup(title: isSketch ? "Errors of the samples" : "Errors"))
    }
    if let isolated = tap.row.isolated, isolated.errorHistogram.total > 0 {
      panels.append(
        HistogramDrawing(isolated.errorHistogram, limit: tap.limit.map { $0 * isolated.referenceMagnitude })
          .markup(title: "Errors of the module alone"))
    }
    if let map = tap.row.heatMap, map.rows > 0, map.columns > 0 { panels.append(heatMap(map)) }
    return panels
  }

  private func heatMap(_ map: HeatMap) -> Markup {
    let picture = HeatMapPicture(map)
    let largest = Figure.error(picture.largest)
    return .element(
      "figure", ["class": "heat"],
      [
        .element("figcaption", [:], "Where they are"),
        .element(
          "img",
          [
            "src": picture.image.dataURI, "width": "\(map.columns)", "height": "\(map.rows)",
            "alt": "Largest error of each of \(map.rows) × \(map.columns) cells, \(largest) at most",
          ]),
        .element(
          "p", ["class": "note"],
          [
            .element("span", ["class": "ramp"]),
            Markup("largest error of a cell, four decades up to \(largest)"),
          ]),
      ])
  }

  private func rows(_ metrics: ErrorMetrics) -> [(String, String)] {
    var rows = [
      ("shape", "[\(tap.row.shape.map(String.init).joined(separator: ", "))]"),
      ("relative error", Figure.error(metrics.relativeError)),
      ("allowed", tap.limit.map(Figure.error) ?? "not bounded"),
      ("passes from", tap.row.smallestPassingTolerance.map(Figure.error) ?? "no tolerance"),
      ("max abs error", Figure.error(metrics.maxAbsError)),
      ("mean abs error", Figure.error(metrics.meanAbsError)),
      ("largest reference", Figure.error(metrics.referenceMagnitude)),
      ("cosine", Figure.fixed(metrics.cosineSimilarity, 8)), ("correlation", Figure.fixed(metrics.pearson, 8)),
      ("SQNR", Figure.decibels(metrics.sqnrDecibels)), ("PSNR", Figure.decibels(metrics.psnrDecibels)),
      (
        "ULP, largest and mean", "\(Figure.fixed(metrics.ulp.largest, 1)), \(Figure.fixed(metrics.ulp.mean, 2))"
      ),
    ]
    if let isolated = tap.row.isolated {
      rows.append(("alone: relative error", Figure.error(isolated.relativeError)))
      rows.append(("alone: max abs error", Figure.error(isolated.maxAbsError)))
      rows.append(("alone: SQNR", Figure.decibels(isolated.sqnrDecibels)))
    }
    if let divergence = metrics.klDivergence {
      rows.append(
        (
          "KL, largest row and mean",
          "\(Figure.error(divergence.largest)), \(Figure.error(divergence.mean)) nats"
        ))
    }
    if let masks = metrics.masks {
      rows.append(("mask IoU, least", Figure.fixed(masks.iou, 6)))
      rows.append(("boundary F, least", Figure.fixed(masks.boundaryF, 6)))
      rows.append(
        (
          "flipped pixels",
          "\(Figure.count(masks.flipped)), logits up to \(Figure.error(masks.largestFlippedLogit))"
        ))
    }
    if let worst = metrics.worst {
      rows.append(("worst at \(worst.index)", "expected \(worst.reference), found \(worst.candidate)"))
    }
    for (side, count) in [("reference", metrics.referenceNonFinite), ("candidate", metrics.candidateNonFinite)]
    where !count.isEmpty {
      rows.append(("not finite in the \(side)", "\(count.nan) NaN, \(count.infinite) infinite"))
    }
    if tap.row.flags.contains(.zero) { rows.append(("note", "all zeros on both sides: nothing was checked")) }
    return rows
  }
}
