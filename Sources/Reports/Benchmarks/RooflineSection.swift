import Foundation

/// Stages as points under what the machine gives: how fast each multiplies against how often it multiplies what it reads.
/// Source: Williams, Waterman, Patterson, Roofline (2009).
struct RooflineSection {
  /// A stage in the drawing.
  struct Point {
    let stage: BenchmarkReport.Stage
    let intensity: Double
    let rate: Double
    let isOfClip: Bool
  }

  /// A level that no stage of that precision passes.
  struct Roof {
    let name: String
    let rate: Double
  }

  private let points: [Point]
  private let roofs: [Roof]
  private let bandwidth: Double

  init(_ report: BenchmarkReport) {
    func points(_ stages: [BenchmarkReport.Stage], isOfClip: Bool) -> [Point] {
      stages.compactMap { stage in
        guard let intensity = stage.intensity, let rate = stage.operationsPerSecond else { return nil }
        return Point(stage: stage, intensity: intensity, rate: rate, isOfClip: isOfClip)
      }
    }
    let frames = report.clip.flatMap { $0.full ?? $0.filling }
    self.points =
      points(report.picture?.stages ?? [], isOfClip: false) + points(frames?.stages ?? [], isOfClip: true)
    let peaks = report.peaks
    roofs = [("f32", peaks.f32), ("bf16", peaks.bf16), ("int8", peaks.int8)].compactMap { name, rate in
      rate.map { Roof(name: "\(name), \($0.instructions)", rate: $0.operationsPerSecond) }
    }
    bandwidth = peaks.readBytesPerSecond
  }

  var markup: Markup? {
    guard !points.isEmpty else { return nil }
    let keys = [("picture", points.contains { !$0.isOfClip }), ("frames", points.contains(where: \.isOfClip))]
    return .section(
      "roofline", "Roofline",
      [
        .element(
          "p", ["class": "note"],
          "Operations are those of matrix products as PyTorch computes them, two for each multiplication with its addition. Bytes are what is read and written if nothing stays in a cache between what is run one by one, layers or modules that the backend runs as one; so a stage whose layers leave results in the cache may stand above the slope. The machine's levels were measured with as many threads."
        ),
        .element(
          "p", ["class": "legend"],
          keys.filter(\.1).map { .element("span", ["class": "key of-\($0.0)"], Markup($0.0)) }),
        .element(
          "figure", ["class": "plot"],
          [
            RooflineDrawing(points, roofs, bandwidth, width: 1040, height: 460).markup(style: "wide"),
            RooflineDrawing(points, roofs, bandwidth, width: 400, height: 400).markup(style: "narrow"),
          ]),
      ])
  }

  /// What the page's style has no words for.
  static let style = """

    h3 { font-size: 1rem; margin: 18px 0 4px; }
    .roof { stroke: var(--limit); stroke-width: 1.5; fill: none; }
    .roof-name { fill: var(--limit); font-size: 11px; font-family: inherit; }
    .point { fill: var(--accent); } .point.of-frames { fill: var(--isolated); }
    .point:hover { stroke: var(--ink); stroke-width: 2; }
    .point-name { fill: var(--ink); font-size: 11px; font-family: inherit; }
    .key.of-picture::before, .key.of-frames::before { content: ""; width: 9px; height: 9px; border-radius: 50%;
      background: var(--accent); }
    .key.of-frames::before { background: var(--isolated); }
    """
}

/// One drawing, both axes by powers of ten.
private struct RooflineDrawing {
  private let points: [RooflineSection.Point]
  private let roofs: [RooflineSection.Roof]
  private let bandwidth: Double
  private let width: Double
  private let height: Double
  /// Powers of ten at the ends of the axes: operations per byte, and per second.
  private let across: ClosedRange<Double>
  private let up: ClosedRange<Double>
  private let left = 58.0
  private let right = 12.0
  private let top = 14.0
  private let bottom = 44.0

  init(
    _ points: [RooflineSection.Point], _ roofs: [RooflineSection.Roof], _ bandwidth: Double, width: Double,
    height: Double
  ) {
    self.points = points
    self.roofs = roofs
    self.bandwidth = bandwidth
    (self.width, self.height) = (width, height)
    func decades(_ values: [Double]) -> ClosedRange<Double> {
      let powers = values.filter { $0 > 0 && $0.isFinite }.map(log10)
      let (least, most) = (floor(powers.min() ?? 0), ceil(powers.max() ?? 1))
      return least...max(least + 1, most)
    }
    // The bends of the roofs are in the picture.
    let bends = bandwidth > 0 ? roofs.map { $0.rate / bandwidth } : []
    across = decades(points.map(\.intensity) + bends)
    up = decades(points.map(\.rate) + roofs.map(\.rate))
  }

  func markup(style: String) -> Markup {
    .element(
      "svg",
      [
        "class": style, "viewBox": "0 0 \(Figure.coordinate(width)) \(Figure.coordinate(height))",
        "role": "img",
        "aria-label":
          "Roofline: \(points.count) stages by operations per byte and operations per second, under \(roofs.count) levels of the machine",
      ], grid + roofLines + dots)
  }

  private func x(_ intensity: Double) -> Double { place(intensity, across, left, width - right) }

  private func y(_ rate: Double) -> Double { place(rate, up, height - bottom, top) }

  private func place(_ value: Double, _ axis: ClosedRange<Double>, _ start: Double, _ end: Double) -> Double {
    let part = (log10(value) - axis.lowerBound) / (axis.upperBound - axis.lowerBound)
    return start + (end - start) * min(1, max(0, part))
  }

  private var grid: [Markup] {
    let columns = stride(from: across.lowerBound, through: across.upperBound, by: 1).flatMap {
      power -> [Markup] in
      let place = x(pow(10, power))
      return [
        line(place, top, place, height - bottom),
        text(place, height - bottom + 16, "scale", "middle", Figure.plain(pow(10, power))),
      ]
    }
    let rows = stride(from: up.lowerBound, through: up.upperBound, by: 1).flatMap { power -> [Markup] in
      let place = y(pow(10, power))
      return [
        line(left, place, width - right, place),
        text(left - 6, place + 4, "scale", "end", Figure.plain(pow(10, power - 9))),
      ]
    }
    return columns + rows + [
      text((left + width - right) / 2, height - 8, "scale", "middle", "operations per byte"),
      text(left + 4, top + 10, "scale", "start", "GFLOP/s"),
    ]
  }

  /// Each level from where the slope of the memory reaches it.
  private var roofLines: [Markup] {
    guard bandwidth > 0, let highest = roofs.map(\.rate).max() else { return [] }
    let foot = max(pow(10, across.lowerBound), pow(10, up.lowerBound) / bandwidth)
    let slope = Markup.element(
      "line",
      [
        "class": "roof", "x1": Figure.coordinate(x(foot)), "y1": Figure.coordinate(y(foot * bandwidth)),
        "x2": Figure.coordinate(x(highest / bandwidth)), "y2": Figure.coordinate(y(highest)),
      ],
      .element("title", [:], Markup("reading memory: \(BenchmarkFigure.giga(bandwidth)) GB/s")))
    return [slope]
      + roofs.flatMap { roof -> [Markup] in
        [
          .element(
            "line",
            [
              "class": "roof", "x1": Figure.coordinate(x(roof.rate / bandwidth)),
              "y1": Figure.coordinate(y(roof.rate)), "x2": Figure.coordinate(width - right),
              "y2": Figure.coordinate(y(roof.rate)),
            ]),
          text(
            width - right, y(roof.rate) - 5, "roof-name", "end",
            "\(roof.name): \(BenchmarkFigure.giga(roof.rate)) GFLOP/s"),
        ]
      }
  }

  private var dots: [Markup] {
    var taken: [(x: Double, y: Double)] = []
    return points.flatMap { point -> [Markup] in
      let (x, y) = (x(point.intensity), y(point.rate))
      let name = "\(point.stage.name)\(point.isOfClip ? " (frames)" : "")"
      let circle = Markup.element(
        "circle",
        [
          "class": point.isOfClip ? "point of-frames" : "point of-picture", "cx": Figure.coordinate(x),
          "cy": Figure.coordinate(y), "r": "4.5", "data-stage": point.stage.name,
        ],
        .element(
          "title", [:],
          Markup(
            "\(name): \(BenchmarkFigure.giga(point.rate)) GFLOP/s at \(Figure.fixed(point.intensity, 1)) per byte, "
              + "\(point.stage.shareOfPeak.map(BenchmarkFigure.percent) ?? "–") of the peak")))
      // A name goes up until it covers no other; where there are too many, pointing at the point says it.
      var place = (x: x, y: y - 8)
      let isRight = x > width * 0.7
      while taken.contains(where: { abs($0.x - place.x) < 130 && abs($0.y - place.y) < 12 }), place.y > top {
        place.y -= 12
      }
      guard place.y > top else { return [circle] }
      taken.append(place)
      return [circle, text(place.x, place.y, "point-name", isRight ? "end" : "start", point.stage.name)]
    }
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
    .element(
      "line",
      [
        "class": "grid", "x1": Figure.coordinate(x1), "y1": Figure.coordinate(y1), "x2": Figure.coordinate(x2),
        "y2": Figure.coordinate(y2),
      ])
  }

  private func text(_ x: Double, _ y: Double, _ style: String, _ anchor: String, _ words: String) -> Markup {
    .element(
      "text",
      ["class": style, "x": Figure.coordinate(x), "y": Figure.coordinate(y), "text-anchor": anchor],
      Markup(words))
  }
}

extension Figure {
  /// A power of ten without an exponent.
  fileprivate static func plain(_ value: Double) -> String { String(format: "%g", value) }
}
