/// What quantizing did as one page for a browser: size, masks, modules with their layers, pictures, times. It needs nothing from
/// anywhere, and is XML as well as HTML, as `HTMLReport` is.
///
/// A layer takes about 3 kB and a picture at most 200 kB, of which there are eight.
public struct QuantizationPage: Sendable {
  private let report: QuantizationReport

  /// The page of a report.
  public init(_ report: QuantizationReport) { self.report = report }

  /// The page.
  public var page: String {
    let sections: [Markup?] = [
      summary, QuantizedMaskSection(report.masks).markup, modules, layers,
      QuantizedPictureSection(report.pictures).markup,
    ]
    return Markup.page("Quantized: \(report.source)", style: Self.style, sections.compactMap { $0 })
  }

  private var summary: Markup {
    let names: [Markup] =
      ["Quantized: ", .element("code", [:], Markup(report.source))]
      + (report.output.map { [" as ", .element("code", [:], Markup($0))] } ?? [])
    return .element("header", ["class": "verdict"], [.element("h1", [:], names), .facts(facts)] + search)
  }

  private var facts: [(String, String)] {
    let size = report.size
    func bytes(_ count: Int) -> String { BenchmarkFigure.bytes(Double(count)) }
    var facts = [("in Float32", bytes(size.float32)), ("file before", bytes(size.source))]
    if let output = size.output {
      let share = Double(output) / Double(max(1, size.float32))
      facts += [("file after", bytes(output)), ("of Float32", Figure.fixed(share, 3))]
    }
    for (name, pair) in [("picture", report.time.picture), ("frame", report.time.frame)] {
      guard let pair else { continue }
      facts += [
        ("\(name) before, median", BenchmarkFigure.time(pair.before)),
        ("\(name) after, median", BenchmarkFigure.time(pair.after)),
      ]
    }
    let quantized = report.modules.flatMap(\.layers).count { !["f32", "bf16"].contains($0.scheme) }
    return facts + [("quantized layers", Figure.count(quantized)), ("backend", report.backend)]
  }

  private var search: [Markup] {
    guard let search = report.search else { return [] }
    let kept =
      search.floats.isEmpty
      ? "no module has to stay in floating point"
      : "in floating point stay \(search.floats.joined(separator: ", "))"
    return [
      .element(
        "p", ["class": "doubt"],
        Markup("For at most \(search.limit) points lost, \(kept): \(search.evaluations) plans were evaluated."))
    ]
  }

  private var modules: Markup? {
    guard !report.modules.isEmpty else { return nil }
    let heads = [
      "module", "scheme", "weights", "expected: w", "i", "alone: w", "i", "both", "in place",
    ]
    let rows = report.modules.map { module in
      (
        module.name,
        [
          module.scheme, Figure.count(module.weights), Self.decibels(module.expected.weights),
          Self.decibels(module.expected.inputs), Self.decibels(module.isolated.weights),
          Self.decibels(module.isolated.inputs), Self.decibels(module.isolated.both),
          Self.decibels(module.accumulated),
        ]
      )
    }
    return .section(
      "modules", "Modules",
      [
        .note(
          "How exact results are, in dB: 10 more is a tenth of the error's square. Expected: of the layers' results, from the sizes of steps alone, with rounded weights (w) or inputs (i). Alone: of the module's result on exact inputs, so rounded or by the plan; of several results the worst. In place: of its result behind all that is rounded before it."
        ),
        .table("module-list", heads, rows),
      ])
  }

  private var layers: Markup? {
    guard !report.modules.isEmpty else { return nil }
    return .section(
      "layers", "Layers",
      [
        .note(
          "Inputs as often as they were where, by the root of their share; between the dashed lines is what 256 steps tell apart. Channels are those whose results are off most."
        )
      ]
        + report.modules.map { module in
          .element(
            "details", ["class": "extra"],
            [.element("summary", [:], [.element("code", [:], Markup(module.name))])]
              + [
                .element(
                  "div", ["class": "inputs"], module.layers.map { QuantizedLayerFigure.markup($0, in: module) })
              ])
        })
  }

  /// To a tenth; a dash where nothing is known.
  static func decibels(_ value: Double?) -> String {
    value.map(Figure.tenths) ?? "–"
  }

  /// What the page's style has no words for.
  private static let style = """

    h3 { font-size: 1rem; margin: 18px 0 4px; }
    #module-list td { white-space: nowrap; padding-right: 10px; }
    .inputs { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 18px; padding: 10px 0; }
    .inputs figure { margin: 0; } .inputs figcaption, .masks figcaption { font-size: 0.8125rem; overflow-wrap: anywhere; }
    .inputs .note { margin: 2px 0 0; font-size: 0.75rem; }
    .after { stroke: var(--isolated); } .key.after::before { content: ""; width: 18px; height: 0;
      border-top: 2px solid var(--isolated); }
    .m4 { background: #3cdc78; }
    .triple { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 4px; }
    .masks { grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); }
    @media (max-width: 640px) { .masks { grid-template-columns: minmax(0, 1fr); } }
    """
}

/// A layer's inputs and what is made of them.
enum QuantizedLayerFigure {
  private static let (width, height) = (230.0, 70.0)

  static func markup(
    _ layer: QuantizationReport.Layer, in module: QuantizationReport.Module
  ) -> Markup {
    let isolated = layer.isolated
    let inside = layer.name.hasPrefix("\(module.name).")
    let name = inside ? String(layer.name.dropFirst(module.name.count + 1)) : layer.name
    let exactness =
      "\(layer.scheme), \(layer.shape), weight \(QuantizationPage.decibels(layer.weightSQNR)) dB; result with weights "
      + "\(QuantizationPage.decibels(isolated?.weights)), inputs \(QuantizationPage.decibels(isolated?.inputs)), both "
      + "\(QuantizationPage.decibels(isolated?.both)) dB"
    let channels = layer.worstChannels.map { "\($0.channel) at \(QuantizationPage.decibels($0.sqnr))" }
    return .element(
      "figure", ["data-layer": layer.name],
      [.element("figcaption", [:], .element("code", ["title": layer.name], Markup(name)))]
        + (layer.inputs.map { drawing($0) } ?? [])
        + [.note(exactness + (channels.isEmpty ? "" : "; channels \(channels.joined(separator: ", "))"))])
  }

  private static func drawing(_ inputs: QuantizationReport.Layer.Inputs) -> [Markup] {
    let (least, largest) = (Double(inputs.least), Double(inputs.largest))
    // What the range reaches beyond the numbers is in the picture as well.
    let low = min(least, inputs.low.map(Double.init) ?? least)
    let high = max(largest, inputs.high.map(Double.init) ?? largest)
    guard high > low, !inputs.bins.isEmpty else { return [] }
    func x(_ number: Double) -> Double { (number - low) / (high - low) * width }
    let total = Double(max(1, inputs.bins.reduce(0, +)))
    let most = (Double(inputs.bins.max() ?? 1) / total).squareRoot()
    let step = (x(largest) - x(least)) / Double(inputs.bins.count)
    let tops = inputs.bins.map {
      height * (1 - (Double($0) / total).squareRoot() / max(most, .leastNormalMagnitude))
    }
    let outline = tops.enumerated().map { place, top in
      let left = x(least) + step * Double(place)
      return "L\(Figure.coordinate(left)) \(Figure.coordinate(top)) H\(Figure.coordinate(left + step))"
    }
    let base = Figure.coordinate(height)
    let path = "M\(Figure.coordinate(x(least))) \(base)\(outline.joined())V\(base)Z"
    let limits = [inputs.low, inputs.high].compactMap { limit in
      limit.map { limit -> Markup in
        let place = Figure.coordinate(x(Double(limit)))
        return .element("line", ["class": "limit", "x1": place, "x2": place, "y1": "0", "y2": base])
      }
    }
    let range =
      inputs.low.flatMap { low in
        inputs.high.map { high in
          "; range \(Figure.significant(low)) to \(Figure.significant(high))"
            + (inputs.method.map { ", \($0)" } ?? "")
        }
      } ?? ""
    let words = "inputs \(Figure.significant(inputs.least)) to \(Figure.significant(inputs.largest))\(range)"
    return [
      .element(
        "svg",
        ["viewBox": "0 0 \(Figure.coordinate(width)) \(base)", "role": "img", "aria-label": words],
        [.element("path", ["class": "bar", "d": path])] + limits), .note(words),
    ]
  }
}

/// Masks before and after, as pictures.
struct QuantizedPictureSection {
  private let pictures: [QuantizationReport.Picture]

  init(_ pictures: [QuantizationReport.Picture]) { self.pictures = pictures }

  var markup: Markup? {
    guard !pictures.isEmpty else { return nil }
    return .section(
      "pictures", "Pictures",
      [
        .note("Before, after, and the pixels that changed; the pictures whose masks changed most."),
        .maskLegend([("m4", "mask"), ("m2", "before alone"), ("m3", "after alone")]),
        .element("div", ["class": "masks"], pictures.map(figure)),
      ])
  }

  private func figure(_ picture: QuantizationReport.Picture) -> Markup {
    let account =
      "\(picture.prompt): IoU of the two \(Figure.fixed(picture.iou, 5)), \(Figure.count(picture.lost)) pixels lost, "
      + "\(Figure.count(picture.gained)) gained"
    let images = picture.thumbnail.map { thumbnail in
      zip(QuantizationReport.Thumbnail.View.allCases, ["before", "after", "what changed"]).map { view, words in
        Markup.element(
          "img",
          [
            "src": thumbnail.image(view).dataURI, "width": "\(thumbnail.width)",
            "height": "\(thumbnail.height)", "alt": "\(picture.name), \(words)",
          ])
      }
    }
    return .element(
      "figure", [:],
      [
        .element("div", ["class": "triple"], images ?? []),
        .element(
          "figcaption", [:],
          [.element("code", [:], Markup(picture.name)), .element("span", [:], Markup(account))]),
      ])
  }
}

extension Figure {
  /// With four digits.
  fileprivate static func significant(_ value: Float) -> String {
    fixed(Double(value), abs(value) < 10 ? 3 : 1)
  }
}
