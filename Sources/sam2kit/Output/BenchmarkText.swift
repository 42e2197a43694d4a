import Reports

/// A benchmark for the terminal.
struct BenchmarkText {
  private let report: BenchmarkReport
  private let isVerbose: Bool

  init(_ report: BenchmarkReport, isVerbose: Bool) { (self.report, self.isVerbose) = (report, isVerbose) }

  var lines: [String] { machine + (isVerbose ? prepared : []) + picture + clip + memory }

  private var machine: [String] {
    let (processor, peaks, backend) = (report.processor, report.peaks, report.backend)
    func rate(_ name: String, _ rate: BenchmarkReport.Peaks.Rate?) -> String? {
      rate.map { "\(name) \(BenchmarkFigure.giga($0.operationsPerSecond)) GFLOP/s (\($0.instructions))" }
    }
    let rates = [rate("f32", peaks.f32), rate("bf16", peaks.bf16), rate("int8", peaks.int8)].compactMap { $0 }
    let kernels = backend.kernels.map { " (\($0))" } ?? ""
    let wholes = backend.wholes.isEmpty ? "" : ", \(backend.wholes.count) modules as one"
    return [
      "processor  \(processor.model), \(processor.threads) threads on \(processor.cores) cores",
      "features   \(processor.features.joined(separator: " "))",
      "peaks      \(rates.joined(separator: ", ")), reading \(BenchmarkFigure.giga(peaks.readBytesPerSecond)) GB/s",
      "backend    \(backend.name) \(backend.version)\(kernels), \(report.model.precision)\(wholes)",
    ]
  }

  private var prepared: [String] {
    let products = report.backend.products.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return products.map { "products   \($0.value) by \($0.key)" }
      + report.backend.wholes.map { "as one     \($0)" }
  }

  private var picture: [String] {
    guard let picture = report.picture else { return [] }
    let clicks = picture.prompts == 1 ? "one click" : "\(picture.prompts) clicks in one call"
    let title =
      "\(picture.path ?? "a picture that was made up"), \(picture.width) × \(picture.height), \(clicks), "
      + "\(picture.seconds.count) rounds"
    let sums = [
      ("image encoder", report.imageEncoderSeconds), ("prompt and decoder", report.promptSeconds),
      ("all", picture.seconds),
    ]
    return ["", title] + table(picture.stages, sums)
  }

  private var clip: [String] {
    guard let clip = report.clip else { return [] }
    let objects = clip.objects == 1 ? "one object" : "\(clip.objects) objects"
    func frames(_ name: String, _ frames: BenchmarkReport.Clip.Frames?) -> [String] {
      guard let frames else { return [] }
      let title =
        "\(name): \(frames.count) frames, \(frames.framesPerSecond.rounded(2)) frames/s at the median"
      return ["", title] + table(frames.stages, [("all", frames.seconds)])
    }
    let rows =
      [["frame", "memories", "time"]]
      + clip.frames.map { ["\($0.frame)", "\($0.memories)", BenchmarkFigure.time($0.seconds)] }
    return ["", "\(clip.path), \(clip.width) × \(clip.height), \(objects)"] + TextTable.aligned(rows)
      + frames("while the memory bank fills", clip.filling) + frames("with a full memory bank", clip.full)
  }

  private var memory: [String] {
    let load = report.loadSeconds.map { ", the model opened in \(BenchmarkFigure.time($0))" } ?? ""
    return ["", "peak memory \(report.peakMemoryBytes.bytes)\(load)"]
  }

  private func table(
    _ stages: [BenchmarkReport.Stage], _ sums: [(name: String, seconds: [Double])]
  ) -> [String] {
    let heads = ["stage", "part", "least", "median", "GFLOP", "GFLOP/s", "of peak", "FLOP/byte"]
    let rows = stages.map { stage in
      [
        stage.name, stage.part, BenchmarkFigure.time(stage.leastSeconds),
        BenchmarkFigure.time(stage.medianSeconds),
        stage.operations > 0 ? BenchmarkFigure.giga(stage.operations) : "",
        stage.operationsPerSecond.map(BenchmarkFigure.giga) ?? "",
        stage.shareOfPeak.map(BenchmarkFigure.percent) ?? "",
        stage.intensity.map { $0.rounded(1) } ?? "",
      ]
    }
    let operations = stages.map(\.operations).reduce(0, +)
    let totals = sums.map { name, seconds in
      let isAll = name == "all"
      let least = seconds.min() ?? 0
      return [
        name, "", BenchmarkFigure.time(least), BenchmarkFigure.time(seconds.median),
        isAll ? BenchmarkFigure.giga(operations) : "",
        isAll && least > 0 ? BenchmarkFigure.giga(operations / least) : "", "", "",
      ]
    }
    return TextTable.aligned([heads] + rows + totals)
  }
}
