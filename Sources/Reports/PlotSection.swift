import Foundation
import Verification

/// Errors in the order of execution, as they are and by themselves, as a drawing: once for wide screens, once for narrow.
struct PlotSection {
  private let taps: [TapView]

  init(_ taps: [TapView]) { self.taps = taps.filter { $0.error != nil } }

  var markup: Markup? {
    guard taps.count > 1 else { return nil }
    let hasIsolated = taps.contains { $0.isolated != nil }
    let legend: [Markup] = [
      .element("span", ["class": "key propagated"], "error as it is"),
      hasIsolated ? .element("span", ["class": "key isolated"], "error of the module alone") : nil,
      .element("span", ["class": "key limit"], "tolerance"),
      .element("span", ["class": "key failing"], "past it"),
    ].compactMap { $0 }
    return .section(
      "depth", "Error by depth",
      [
        .element(
          "p", ["class": "note"],
          "Relative error of each tap in the order in which the model ran. An error that steps up at a module and stays was made there."
        ),
        .element("p", ["class": "legend"], legend),
        .element(
          "figure", ["class": "plot"],
          [drawing(width: 1040, height: 380, style: "wide"), drawing(width: 400, height: 340, style: "narrow")]),
      ])
  }

  private func drawing(width: Double, height: Double, style: String) -> Markup {
    ErrorPlot(taps, width: width, height: height).markup(style: style)
  }
}

/// One drawing of the errors.
private struct ErrorPlot {
  private let taps: [TapView]
  private let width: Double
  private let height: Double
  /// Powers of ten at the bottom and the top.
  private let decades: ClosedRange<Int>
  private let left = 46.0
  private let right = 10.0
  private let top = 14.0
  private let bottom = 40.0

  init(_ taps: [TapView], width: Double, height: Double) {
    self.taps = taps
    (self.width, self.height) = (width, height)
    let errors = taps.flatMap { [$0.error, $0.isolated, $0.limit].compactMap { $0 } }.filter {
      $0 > 0 && $0.isFinite
    }
    let least = errors.min().map { max(-12, Int(log10($0).rounded(.down))) } ?? -9
    let most = errors.max().map { min(6, Int(log10($0).rounded(.up))) } ?? 0
    decades = least...max(least + 2, most)
  }

  func markup(style: String) -> Markup {
    .element(
      "svg",
      [
        "class": style, "viewBox": "0 0 \(Figure.coordinate(width)) \(Figure.coordinate(height))",
        "role": "img",
        "aria-label":
          "Relative errors of \(taps.count) taps in the order of execution, \(taps.count(where: \.fails)) of them past the tolerance",
      ], parts + axis + [limit] + line + alone + dots)
  }

  private func x(_ index: Int) -> Double {
    left + (width - left - right) * (Double(index) + 0.5) / Double(taps.count)
  }

  /// Zero stands on the bottom line, what is infinite on the top one.
  private func y(_ error: Double) -> Double {
    let floor = height - bottom
    guard error > 0 else { return floor }
    let power = error.isFinite ? log10(error) : Double(decades.upperBound)
    let part = (power - Double(decades.lowerBound)) / Double(decades.upperBound - decades.lowerBound)
    // The lowest decade stands apart from zero, so that both can be labelled.
    let lowest = floor - 20
    return lowest - (lowest - top) * max(0, min(1, part))
  }

  /// Bands of the model's parts with their names below, where there is room.
  private var parts: [Markup] {
    var bands: [(name: String, range: Range<Int>)] = []
    for (index, tap) in taps.enumerated() {
      let steps = (tap.module ?? "prediction").split(separator: ".").prefix(2)
      let name = steps.joined(separator: ".")
      if let last = bands.last, last.name == name {
        bands[bands.count - 1].range = last.range.lowerBound..<index + 1
      } else {
        bands.append((name, index..<index + 1))
      }
    }
    let step = (width - left - right) / Double(taps.count)
    return bands.enumerated().flatMap { number, band -> [Markup] in
      let start = left + step * Double(band.range.lowerBound)
      let length = step * Double(band.range.count)
      let rectangle = Markup.element(
        "rect",
        [
          "class": number.isMultiple(of: 2) ? "band" : "band other", "x": Figure.coordinate(start),
          "y": Figure.coordinate(top), "width": Figure.coordinate(length),
          "height": Figure.coordinate(height - bottom - top),
        ], .element("title", [:], Markup(band.name)))
      let short = band.name.split(separator: ".").last.map(String.init) ?? band.name
      guard Double(short.count) * 6.4 < length else { return [rectangle] }
      let label = Markup.element(
        "text",
        [
          "class": "part", "x": Figure.coordinate(start + length / 2),
          "y": Figure.coordinate(height - bottom + 18),
          "text-anchor": "middle",
        ], Markup(short))
      return [rectangle, label]
    }
  }

  private var axis: [Markup] {
    let step = max(1, (decades.upperBound - decades.lowerBound + 6) / 7)
    let marks = stride(from: decades.lowerBound, through: decades.upperBound, by: step).map { power in
      (pow(10, Double(power)), "1e\(power)")
    }
    return (marks + [(0, "0")]).flatMap { value, label -> [Markup] in
      let height = Figure.coordinate(y(value))
      return [
        .element(
          "line",
          [
            "class": "grid", "x1": "\(Figure.coordinate(left))", "x2": Figure.coordinate(width - right),
            "y1": height, "y2": height,
          ]),
        .element(
          "text",
          [
            "class": "scale", "x": "\(Figure.coordinate(left - 6))", "y": Figure.coordinate(y(value) + 4),
            "text-anchor": "end",
          ],
          Markup(label)),
      ]
    }
  }

  /// What is allowed, which may differ from tap to tap.
  private var limit: Markup {
    var path = ""
    for (index, tap) in taps.enumerated() {
      guard let limit = tap.limit else { continue }
      let half = (width - left - right) / Double(taps.count) / 2
      let height = Figure.coordinate(y(limit))
      path += "\(path.isEmpty ? "M" : "L")\(Figure.coordinate(x(index) - half)) \(height)"
      path += "L\(Figure.coordinate(x(index) + half)) \(height)"
    }
    return .element("path", ["class": "limit", "d": path.isEmpty ? "M0 0" : path])
  }

  /// From error to error; where there is none the line would hide the others.
  private var line: [Markup] {
    let points = taps.enumerated().compactMap { index, tap in
      tap.error.flatMap { $0 > 0 ? "\(Figure.coordinate(x(index))),\(Figure.coordinate(y($0)))" : nil }
    }
    return points.isEmpty
      ? [] : [.element("polyline", ["class": "propagated", "points": points.joined(separator: " ")])]
  }

  /// What modules make by themselves: no line, as each stands for itself.
  private var alone: [Markup] {
    taps.enumerated().compactMap { index, tap in
      tap.isolated.map { error in
        .element(
          "circle",
          [
            "class": "alone", "cx": Figure.coordinate(x(index)), "cy": Figure.coordinate(y(error)),
            "r": tap.isolatedBreaches.isEmpty ? "1.8" : "3.2",
          ], .element("title", [:], Markup("\(tap.row.name) alone: \(Figure.error(error))")))
      }
    }
  }

  private var dots: [Markup] {
    taps.enumerated().compactMap { index, tap in
      guard let error = tap.error else { return nil }
      let alone = tap.isolated.map { ", alone \(Figure.error($0))" } ?? ""
      let dot = Markup.element(
        "circle",
        [
          "class": tap.fails ? "dot failing" : "dot", "cx": Figure.coordinate(x(index)),
          "cy": Figure.coordinate(y(error)),
          "r": tap.fails ? "3.2" : "2",
        ], .element("title", [:], Markup("\(tap.row.name): \(Figure.error(error))\(alone)")))
      return .element("a", ["href": "#\(tap.anchor)", "tabindex": "-1"], dot)
    }
  }
}
