// What quantizing did to modules, masks and time, as a report shows it.
import Evaluation
import Foundation
import Kernels
import Masks
import Media
import Prompts
import Quantization
import Reports
import SAM2
import Tensors

extension QuantizationFindings {
  private static let bins = 64

  /// All of it.
  ///
  /// - Parameter final: the model as it was written.
  func report(
    on result: QuantizeResult, _ request: QuantizeRequest, _ final: QuantizationStudy,
    watch: PipelineWatcher, isCancelled: () -> Bool
  ) throws -> QuantizationReport {
    guard let calibration = request.calibration else { throw QuantizationQuestionError.noCalibration }
    let written =
      search?.floats.isEmpty != false
      ? exactness : try final.exactness(on: calibration, watch, isCancelled)
    let quantized = try final.model()
    let shown = try ComparedPictures(set, calibration)
    return QuantizationReport(
      source: request.model.path, output: request.output,
      backend: "\(study.float.base.backend.name) \(study.float.base.backend.version)",
      size: QuantizationReport.Size(
        float32: result.float32Bytes, source: result.sourceBytes, output: result.outputBytes),
      modules: modules(written, result.inputs, final.plan), masks: masks(request.data),
      time: try shown.time(study.float, quantized, watch, isCancelled),
      search: search.map {
        QuantizationReport.Search(limit: $0.limit, floats: $0.floats, evaluations: $0.evaluations.count)
      },
      pictures: try shown.compare(study.float, quantized, watch, isCancelled))
  }

  private func modules(
    _ written: QuantizationStudy.Exactness, _ ranges: [Calibration.Input], _ plan: PrecisionPlan
  ) -> [QuantizationReport.Module] {
    let accumulated = Dictionary(
      uniqueKeysWithValues: written.modules.map { ($0.module, $0.accumulated) })
    let sensitivities = Dictionary(uniqueKeysWithValues: exactness.layers.map { ($0.layer, $0) })
    let methods = Dictionary(uniqueKeysWithValues: ranges.map { ($0.layer, $0.method.rawValue) })
    let layers = Dictionary(uniqueKeysWithValues: study.quantized.layers.map { ($0.layer, $0) })
    func precision(_ layer: String) -> String { plan.site(ModulePath(layer)).precision.rawValue }
    return exactness.modules.map { module in
      QuantizationReport.Module(
        name: module.module, scheme: Set(module.layers.map(precision)).sorted().joined(separator: "+"),
        weights: module.weights, expected: .init(module.expected), isolated: .init(module.isolated),
        accumulated: accumulated[module.module] ?? nil,
        layers: module.layers.compactMap { name in
          layers[name].map { layer in
            let (found, range) = (sensitivities[name], plan.inputs[name])
            return QuantizationReport.Layer(
              name: name, scheme: precision(name), shape: "\(layer.shape)", weightSQNR: layer.sqnr,
              isolated: found.map { .init($0.isolated) },
              worstChannels: found?.worstChannels.map { .init(channel: $0.channel, sqnr: $0.sqnr) } ?? [],
              inputs: found.map { found in
                QuantizationReport.Layer.Inputs(
                  least: found.histogram.least, largest: found.histogram.largest,
                  bins: found.histogram.bins(Self.bins), low: range?.number(of: 0),
                  high: range?.number(of: 255),
                  method: range.flatMap { _ in methods[name] })
              })
          }
        })
    }
  }

  private func masks(_ folder: String?) -> QuantizationReport.Masks? {
    guard let folder, let before, let after else { return nil }
    return QuantizationReport.Masks(
      data: folder, figures: MaskChanges.figures(before, after), frames: MaskChanges.frames(before, after),
      growth: MaskChanges.growth(before, after))
  }
}

extension QuantizationReport.Exactness {
  fileprivate init(_ found: SQNRByRounding) {
    self.init(weights: found.weights, inputs: found.inputs, both: found.both)
  }
}

/// What masks lost or gained, object by object.
enum MaskChanges {
  /// The means before and after, and the mean difference with its standard error over pictures or clips.
  static func figures(_ before: EvaluationResult, _ after: EvaluationResult) -> [QuantizationReport.Masks
    .Figure]
  {
    func differences<Scores>(
      _ before: [Scores], _ after: [Scores], by name: (Scores) -> String, _ score: (Scores) -> Double
    ) -> GroupedMean? {
      let both = zip(before, after).map { (name: name($0), difference: 100 * (score($1) - score($0))) }
      return GroupedMean(both.inGroups(by: \.name).map { $0.map(\.difference) })
    }
    func ofPictures(_ score: @escaping (PictureScores) -> Double) -> GroupedMean? {
      differences(before.pictures, after.pictures, by: \.picture, score)
    }
    func ofClips(_ score: @escaping (ClipScores) -> Double) -> GroupedMean? {
      differences(before.clips, after.clips, by: \.clip, score)
    }
    let found: [String: GroupedMean?] = [
      "one_click": ofPictures(\.oneClick), "box": ofPictures(\.box), "three_clicks": ofPictures(\.threeClicks),
      "j": ofClips(\.region), "f": ofClips(\.contour), "j_and_f": ofClips { ($0.region + $0.contour) / 2 },
    ]
    let means = Dictionary(uniqueKeysWithValues: after.means)
    return before.means.compactMap { name, value in
      guard let mean = means[name], let difference = found[name] ?? nil else { return nil }
      return QuantizationReport.Masks.Figure(
        name: name, before: value, after: mean, difference: difference.value,
        standardError: difference.standardError)
    }
  }

  /// J&F by frame number.
  static func frames(_ before: EvaluationResult, _ after: EvaluationResult) -> [QuantizationReport.Masks.Frame]
  {
    zip(FrameSummary.each(before.clips), FrameSummary.each(after.clips)).map { before, after in
      QuantizationReport.Masks.Frame(
        frame: before.frame, objects: before.objects, before: (before.region + before.contour) / 2,
        after: (after.region + after.contour) / 2)
    }
  }

  /// The mean over clips of the slope of each clip's differences in J&F: of the line with the least squared error.
  static func growth(_ before: EvaluationResult, _ after: EvaluationResult) -> QuantizationReport.Masks.Growth?
  {
    let pairs = zip(before.clips, after.clips).map { (clip: $0.clip, before: $0, after: $1) }
    let slopes = pairs.inGroups(by: \.clip).compactMap { objects -> Double? in
      let frames = objects.map(\.before.regions.count).min() ?? 0
      guard frames > 1 else { return nil }
      let differences = (0..<frames).map { frame in
        objects.reduce(0) { sum, object in
          let (a, b) = (object.before, object.after)
          return sum + 50 * (b.regions[frame] + b.contours[frame] - a.regions[frame] - a.contours[frame])
        } / Double(objects.count)
      }
      let middle = Double(frames - 1) / 2
      let spread = (0..<frames).reduce(0.0) { $0 + (Double($1) - middle) * (Double($1) - middle) }
      return differences.enumerated().reduce(0.0) { $0 + (Double($1.offset) - middle) * $1.element } / spread
    }
    return GroupedMean(slopes.map { [$0] }).map {
      QuantizationReport.Masks.Growth(pointsPerFrame: $0.value, standardError: $0.standardError)
    }
  }
}
