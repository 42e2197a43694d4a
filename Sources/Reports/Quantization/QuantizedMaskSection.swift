import Foundation

/// What masks are worth before and after, and J&F by frame.
struct QuantizedMaskSection {
  private let masks: QuantizationReport.Masks?

  init(_ masks: QuantizationReport.Masks?) { self.masks = masks }

  var markup: Markup? {
    guard let masks else { return nil }
    let rows = masks.figures.map { figure in
      (
        Self.names[figure.name] ?? figure.name,
        [
          Figure.fixed(figure.before, 4), Figure.fixed(figure.after, 4), Self.signed(figure.difference, 2),
          figure.standardError.map { "± \(Figure.fixed($0, 2))" } ?? "–",
        ]
      )
    }
    return .section(
      "masks", "Masks",
      [
        .note(
          "Means over the objects of \(masks.data); differences in points, each object against itself, with their standard errors over pictures or clips."
        ),
        .table("mask-list", ["", "before", "after", "difference", "standard error"], rows),
      ] + frames(masks))
  }

  private static let names = [
    "one_click": "mIoU, one click", "box": "mIoU, box", "three_clicks": "mIoU, three clicks", "j": "J",
    "f": "F",
    "j_and_f": "J&F",
  ]

  private static func signed(_ value: Double, _ decimals: Int) -> String {
    let text = Figure.fixed(abs(value), decimals)
    return (text.allSatisfy { "0.".contains($0) } ? "" : value < 0 ? "−" : "+") + text
  }

  private func frames(_ masks: QuantizationReport.Masks) -> [Markup] {
    guard masks.frames.count > 1 else { return [] }
    let growth = masks.growth.map { growth -> String in
      let error = growth.standardError.map { " ± \(Figure.fixed($0, 3))" } ?? ""
      return
        "From frame to frame the difference changes by \(Self.signed(growth.pointsPerFrame, 3))\(error) points, the mean of the clips' own lines; below 0 more is lost with every frame."
    }
    return [
      .element("h3", [:], "J&F by frame"),
      .element(
        "p", ["class": "legend"],
        [
          .element("span", ["class": "key propagated"], "before"),
          .element("span", ["class": "key after"], "after"),
        ]),
      .element(
        "figure", ["class": "plot"],
        [drawing(masks.frames, width: 1040, style: "wide"), drawing(masks.frames, width: 400, style: "narrow")]),
      .note(growth ?? ""),
    ]
  }

  /// Both means over the frames' numbers.
  private func drawing(_ frames: [QuantizationReport.Masks.Frame], width: Double, style: String) -> Markup {
    let (height, left, right, top, bottom) = (260.0, 46.0, 12.0, 12.0, 28.0)
    let values = frames.flatMap { [$0.before, $0.after] }
    let low = floor((values.min() ?? 0) * 20) / 20
    let high = max(low + 0.05, ceil((values.max() ?? 1) * 20) / 20)
    let (first, last) = (Double(frames.first?.frame ?? 0), Double(frames.last?.frame ?? 1))
    func x(_ frame: Double) -> Double { left + (frame - first) / max(1, last - first) * (width - left - right) }
    func y(_ value: Double) -> Double {
      height - bottom - (value - low) / (high - low) * (height - top - bottom)
    }
    func line(_ value: (QuantizationReport.Masks.Frame) -> Double, _ style: String) -> Markup {
      let points = frames.map { "\(Figure.coordinate(x(Double($0.frame)))),\(Figure.coordinate(y(value($0))))" }
      return .element("polyline", ["class": style, "points": points.joined(separator: " ")])
    }
    func text(_ x: Double, _ y: Double, _ anchor: String, _ words: String) -> Markup {
      .element(
        "text",
        ["class": "scale", "x": Figure.coordinate(x), "y": Figure.coordinate(y), "text-anchor": anchor],
        Markup(words))
    }
    let grid = [low, (low + high) / 2, high].flatMap { value -> [Markup] in
      let place = Figure.coordinate(y(value))
      return [
        .element(
          "line",
          [
            "class": "grid", "x1": Figure.coordinate(left), "x2": Figure.coordinate(width - right),
            "y1": place, "y2": place,
          ]), text(left - 6, y(value) + 4, "end", Figure.fixed(value, 3)),
      ]
    }
    let ends = [first, last].map { text(x($0), height - 8, $0 == first ? "start" : "end", "frame \(Int($0))") }
    return .element(
      "svg",
      [
        "class": style, "viewBox": "0 0 \(Figure.coordinate(width)) \(Figure.coordinate(height))",
        "role": "img",
        "aria-label": "J&F before and after on \(frames.count) frames",
      ], grid + ends + [line(\.before, "propagated"), line(\.after, "after")])
  }
}
