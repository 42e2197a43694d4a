/// A benchmark as one page for a browser: the roofline, every stage, every frame, the machine. It needs nothing from
/// anywhere, and is XML as well as HTML, as `HTMLReport` is.
public struct BenchmarkPage: Sendable {
  private let report: BenchmarkReport

  /// The page of a benchmark.
  public init(_ report: BenchmarkReport) { self.report = report }

  /// The page.
  public var page: String {
    let sections: [Markup?] = [
      summary, RooflineSection(report).markup, picture, clip, frames, machine,
    ]
    return Markup.page(
      "Benchmark: \(report.model.path)", style: RooflineSection.style, sections.compactMap { $0 })
  }

  private var summary: Markup {
    .element(
      "header", ["class": "verdict"],
      [
        .element("h1", [:], ["Benchmark of ", .element("code", [:], Markup(report.model.path))]),
        .facts(facts),
      ])
  }

  private var facts: [(String, String)] {
    var facts: [(String, String)] = []
    if !report.imageEncoderSeconds.isEmpty {
      facts.append(("image encoder, median", BenchmarkFigure.time(report.imageEncoderSeconds.median)))
      facts.append(("prompt and decoder, median", BenchmarkFigure.time(report.promptSeconds.median)))
    }
    if let full = report.clip?.full {
      facts.append(("frame with a full bank, median", BenchmarkFigure.time(full.seconds.median)))
      facts.append(("frames per second", Figure.fixed(full.framesPerSecond, 2)))
    }
    if let load = report.loadSeconds { facts.append(("opening the model", BenchmarkFigure.time(load))) }
    let kernels = report.backend.kernels.map { " (\($0))" } ?? ""
    return facts + [
      ("peak memory", BenchmarkFigure.bytes(Double(report.peakMemoryBytes))),
      ("backend", "\(report.backend.name) \(report.backend.version)\(kernels)"),
      ("precision", report.model.precision), ("threads", "\(report.processor.threads)"),
    ]
  }

  private var picture: Markup? {
    report.picture.map { picture in
      let name = picture.path ?? "a picture that was made up"
      return .section(
        "picture", "Picture",
        [
          .note(
            "\(name), \(picture.width) × \(picture.height) pixels, "
              + "\(picture.prompts == 1 ? "one click" : "\(picture.prompts) clicks in one call"), "
              + "\(picture.seconds.count) rounds: \(BenchmarkFigure.time(picture.seconds.median)) each at the median."
          ),
          stageTable("picture", picture.stages),
        ])
    }
  }

  private var clip: Markup? {
    guard let clip = report.clip else { return nil }
    func part(_ name: String, _ id: String, _ frames: BenchmarkReport.Clip.Frames?) -> [Markup] {
      guard let frames else { return [] }
      return [
        .element("h3", [:], Markup(name)),
        .note(
          "\(frames.count) frames, \(BenchmarkFigure.time(frames.seconds.median)) each at the median, "
            + "\(Figure.fixed(frames.framesPerSecond, 2)) frames per second."),
        stageTable(id, frames.stages),
      ]
    }
    return .section(
      "clip", "Clip",
      [
        .note(
          "\(clip.path), \(clip.width) × \(clip.height) pixels, "
            + "\(clip.objects == 1 ? "one object" : "\(clip.objects) objects").")
      ] + part("With a full memory bank", "full", clip.full)
        + part("While the bank fills", "filling", clip.filling))
  }

  private func stageTable(_ id: String, _ stages: [BenchmarkReport.Stage]) -> Markup {
    let heads = [
      "stage", "part", "least", "median", "GFLOP", "GFLOP/s", "of the peak", "FLOP per byte",
    ]
    let rows = stages.map { stage in
      [
        stage.part, BenchmarkFigure.time(stage.leastSeconds), BenchmarkFigure.time(stage.medianSeconds),
        stage.operations > 0 ? BenchmarkFigure.giga(stage.operations) : "–",
        stage.operationsPerSecond.map(BenchmarkFigure.giga) ?? "–",
        stage.shareOfPeak.map(BenchmarkFigure.percent) ?? "–",
        stage.intensity.map { Figure.fixed($0, 1) } ?? "–",
      ]
    }
    return .table("stages-\(id)", heads, zip(stages.map(\.name), rows).map { ($0, $1) })
  }

  private var frames: Markup? {
    guard let clip = report.clip else { return nil }
    let rows = clip.frames.map { frame in
      let slowest = frame.stages.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
      return (
        "\(frame.frame)",
        [
          "\(frame.round)", "\(frame.memories)", BenchmarkFigure.time(frame.seconds),
          slowest.map { "\($0.key) \(BenchmarkFigure.time($0.value))" }.joined(separator: ", "),
        ]
      )
    }
    return .section(
      "frames", "Frames",
      [.table("frame-list", ["frame", "round", "memories", "time", "most of it"], rows)])
  }

  private var machine: Markup {
    let peaks = report.peaks
    func rate(_ rate: BenchmarkReport.Peaks.Rate?) -> String {
      rate.map { "\(BenchmarkFigure.giga($0.operationsPerSecond)) GFLOP/s by \($0.instructions)" }
        ?? "none of its own"
    }
    let rows: [(String, [String])] = [
      ("processor", [report.processor.model]), ("cores", ["\(report.processor.cores)"]),
      ("features", [report.processor.features.joined(separator: " ")]),
      ("f32", [rate(peaks.f32)]), ("bf16", [rate(peaks.bf16)]), ("int8", [rate(peaks.int8)]),
      ("reading memory", ["\(BenchmarkFigure.giga(peaks.readBytesPerSecond)) GB/s"]),
      (
        "modules run as one",
        [report.backend.wholes.isEmpty ? "none" : report.backend.wholes.joined(separator: " ")]
      ),
    ]
    return .section("machine", "Machine", [.table("machine-facts", ["", "found"], rows)])
  }
}

extension Markup {
  /// A remark below a heading.
  static func note(_ text: String) -> Markup { .element("p", ["class": "note"], Markup(text)) }

  /// Rows that begin with what they are about, under headings.
  static func table(
    _ id: String, _ heads: [String], _ rows: [(String, [String])]
  ) -> Markup {
    let heading = Markup.element("tr", [:], heads.map { .element("th", ["scope": "col"], Markup($0)) })
    let body = rows.map { name, cells in
      Markup.element(
        "tr", [:],
        [.element("th", ["scope": "row"], Markup(name))]
          + zip(heads.dropFirst(), cells).map { .element("td", ["title": $0], Markup($1)) })
    }
    return .element(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": id],
      .element("table", ["id": id], .element("tbody", [:], [heading] + body)))
  }
}

/// Times, rates and shares as people read them: in the page and in the terminal.
package enum BenchmarkFigure {
  /// In seconds or milliseconds, with three digits.
  package static func time(_ seconds: Double) -> String {
    if seconds >= 1 { return "\(Figure.fixed(seconds, 2)) s" }
    let milliseconds = seconds * 1000
    return "\(Figure.fixed(milliseconds, milliseconds >= 100 ? 0 : milliseconds >= 10 ? 1 : 2)) ms"
  }

  /// In units of 10⁹, with three digits.
  package static func giga(_ value: Double) -> String {
    let giga = value / 1e9
    return Figure.fixed(giga, giga >= 100 ? 0 : giga >= 10 ? 1 : giga >= 0.1 ? 2 : 4)
  }

  /// A part of 1 in hundredths.
  package static func percent(_ share: Double) -> String { "\(Figure.fixed(share * 100, 1)) %" }

  /// In decimal units.
  package static func bytes(_ bytes: Double) -> String {
    bytes >= 1e9 ? "\(Figure.fixed(bytes / 1e9, 2)) GB" : "\(Figure.fixed(bytes / 1e6, 1)) MB"
  }
}
