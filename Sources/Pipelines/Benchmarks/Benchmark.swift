import Architecture
import Checkpoints
import Kernels
import Prompts
public import Reports
import SAM2
import Tensors

/// What to time a model on.
public struct BenchmarkRequest: Sendable {
  /// A picture's file; nil for one that is made up, unless there is a video.
  public var picture: String?
  /// A video file or a folder of frames to track; nil for none.
  public var video: String?
  /// How many clicks, which one call of the decoder is about; on a video, how many objects, which take turns.
  public var prompts = 1
  /// How often to measure a picture, after a round to warm up.
  public var rounds = 5
  /// How often to track a video.
  public var videoRounds = 1
  /// How many frames of a video to track at most.
  public var frames = 16

  /// One click on a picture that is made up.
  public init() {}

  /// Whether there is a picture among what is asked for.
  fileprivate var hasPicture: Bool { picture != nil || video == nil }
}

extension Model {
  /// Times this model on this machine, stage by stage, and holds it against what the machine gives at most.
  ///
  /// That is measured last, in under two seconds, since the memory that it takes isn't the model's.
  ///
  /// - Parameters:
  ///   - loadSeconds: How long opening the model took, for the report.
  ///   - watch: Is told what goes on.
  ///   - isCancelled: Asked between rounds and frames, beside the task's own cancellation.
  /// - Throws: `MediaError`, `SAM2Error`, `CancellationError`.
  public func benchmark(
    _ request: BenchmarkRequest, loadSeconds: Double? = nil, watch: PipelineWatcher = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws -> BenchmarkReport {
    let isCancelled = { isCancelled() || Task.isCancelled }
    let picture = try request.hasPicture ? PictureBenchmark(request, configuration) : nil
    let clip = try request.video.map { try ClipBenchmark(path: $0, request) }
    let pictureTimes = try picture?.measure(base, watch, isCancelled)
    let clipTimes = try clip?.measure(base, watch, isCancelled)
    let peakMemory = ProcessMemory.peakBytes

    watch(.step("counting operations"))
    let counter = CountingBackend(wholes: base.wholes)
    let counted = try SAM2Base(
      configuration, weights: UnmadeWeights(configuration), backend: counter, plan: base.plan)
    let meter = StageMeter(StageMap(configuration)) { counter.work }
    watch(.step("measuring what the machine gives"))
    let peaks = BenchmarkReport.Peaks.measured()

    var report = BenchmarkReport(
      model: .init(path: checkpoint.path, precision: precision, imageSize: configuration.imageSize),
      backend: .init(
        name: base.backend.name, version: base.backend.version, kernels: base.backend.kernels,
        wholes: base.wholes.map(\.name), products: base.backend.products),
      processor: .current, peaks: peaks, peakMemoryBytes: peakMemory)
    report.loadSeconds = loadSeconds
    if let picture, let pictureTimes {
      let work = try picture.count(counted, meter)
      report.imageEncoderSeconds = pictureTimes.map(\.imageEncoder)
      report.promptSeconds = pictureTimes.map(\.prompt)
      report.picture = picture.report(pictureTimes, work, StageMap(configuration), peaks)
    }
    if let clip, let clipTimes {
      let work = try clip.count(counted, meter, isCancelled)
      report.clip = clip.report(clipTimes, work, configuration, peaks)
    }
    return report
  }
}

extension [Stage] {
  /// These stages' seconds in rounds or frames, with what there was to multiply in each.
  func reports(
    _ seconds: [[Stage: Double]], _ work: [[Stage: Work]], _ peaks: BenchmarkReport.Peaks
  ) -> [BenchmarkReport.Stage] {
    filter { stage in (seconds.map { $0[stage] } + work.map { $0[stage]?.bytes }).contains { $0 ?? 0 > 0 } }
      .map { stage in
        let mean = { (amount: (Work) -> Double) in
          work.map { amount($0[stage] ?? .zero) }.reduce(0, +) / Double(Swift.max(1, work.count))
        }
        return BenchmarkReport.Stage(
          name: stage.name, part: stage.part, seconds: seconds.map { $0[stage] ?? 0 },
          operations: mean(\.totalOperations), bytes: mean(\.bytes), secondsAtPeak: mean(peaks.seconds))
      }
  }
}

extension BenchmarkReport.Peaks {
  /// What some work takes at least where every product is computed by what is fastest for its precision.
  func seconds(of work: Work) -> Double {
    work.operations.map { precision, operations in
      operations / operationsPerSecond(precision)
    }.reduce(0, +)
  }

  /// 16 bits can be multiplied as 32, and 8 as either.
  private func operationsPerSecond(_ precision: Precision) -> Double {
    let wide = f32.operationsPerSecond
    switch precision {
    case .f32, .w8, .w4: return wide
    case .bf16, .w8a16: return max(wide, bf16?.operationsPerSecond ?? 0)
    case .w8a8: return max(wide, bf16?.operationsPerSecond ?? 0, int8?.operationsPerSecond ?? 0)
    }
  }
}

/// Places of clicks, spread over a picture: the middle of each of `count` cells.
func spreadClicks(_ count: Int, width: Int, height: Int) -> [Click] {
  let across = Int(Double(count).squareRoot().rounded(.up))
  let down = (count + across - 1) / across
  return (0..<count).map { index in
    Click(
      x: Double(width) * (Double(index % across) + 0.5) / Double(across),
      y: Double(height) * (Double(index / across) + 0.5) / Double(down))
  }
}
