import Architecture
import Foundation
import Kernels
import Masks
import Media
import Reports
import SAM2
import Tensors

/// A clip's objects, clicked at on the first frame and tracked, from the clip's file to masks in files.
struct ClipBenchmark {
  /// One frame of one round.
  struct FrameTimes {
    let round: Int
    let frame: Int
    let stages: [Stage: Double]
  }

  private let input: VideoInput
  private let objects: Int
  private let rounds: Int
  /// How many frames are tracked.
  private let frames: Int
  private var width: Int { input.source.width }
  private var height: Int { input.source.height }

  /// - Throws: `MediaError`.
  init(path: String, _ request: BenchmarkRequest) throws {
    input = try VideoInput(path: path)
    objects = request.prompts
    rounds = request.videoRounds
    frames = min(request.frames, input.count ?? request.frames)
  }

  /// Tracks the clip, after two frames to warm up.
  func measure(
    _ model: SAM2Base, _ watch: PipelineWatcher, _ isCancelled: () -> Bool
  ) throws -> [FrameTimes] {
    try withTemporaryFolder { folder in
      let meter = StageMeter<Double>(timing: StageMap(model.configuration))
      let source = MeteredFrames(input: input, most: frames, meter: meter)
      watch(.step("warming up"))
      _ = try track(model, source, frames: min(2, frames), meter, isCancelled) { _ in }
      var clock = ProgressClock(stage: .tracking, total: rounds * frames)
      return try (0..<rounds).flatMap { round in
        try track(model, source, frames: frames, meter, isCancelled) { masks in
          try finish(masks, meter, folder)
          watch(.progress(clock.advance(to: masks.frame)))
        }.enumerated().map { FrameTimes(round: round, frame: $0.offset, stages: $0.element) }
      }
    }
  }

  /// Follows all objects, and returns what each stage of each frame took. The first has the prompts.
  private func track<Quantity>(
    _ model: SAM2Base, _ source: any VideoFrames, frames: Int, _ meter: StageMeter<Quantity>,
    _ isCancelled: () -> Bool, _ visit: (FrameMasks) throws -> Void
  ) throws -> [[Stage: Quantity]] {
    _ = meter.take()
    let run = Run(observer: meter)
    var session = try VideoPredictor(model).session(source, width: width, height: height, history: .window)
    for (index, click) in spreadClicks(objects, width: width, height: height).enumerated() {
      try session.prompt(object: index + 1, frame: 0, points: [click], run)
    }
    var spent: [[Stage: Quantity]] = []
    try session.propagate(from: 0, frames: frames - 1, run) { masks in
      if isCancelled() { throw CancellationError() }
      try visit(masks)
      spent.append(meter.take())
    }
    return spent
  }

  /// What `track` makes of a frame's masks: pixels, run lengths and an indexed PNG.
  private func finish(_ masks: FrameMasks, _ meter: StageMeter<Double>, _ folder: String) throws {
    let logits = meter.measure(.upsample) { masks.logits() }
    let found = meter.measure(.encodeMasks) {
      zip(masks.objects, logits).map { object, logits in
        let mask = BinaryMask(logits: logits)
        _ = COCOMask(mask)
        return (object.id, mask)
      }
    }
    try meter.measure(.writeMasks) {
      try LabelMap(width: masks.width, height: masks.height, masks: found).write(
        path: "\(folder)/\(masks.frame).png")
    }
  }

  /// What there is to multiply on each frame.
  func count(
    _ model: SAM2Base, _ meter: StageMeter<Work>, _ isCancelled: () -> Bool
  ) throws -> [[Stage: Work]] {
    try track(model, UnmadeFrames(count: frames), frames: frames, meter, isCancelled) { _ in }
  }

  func report(
    _ times: [FrameTimes], _ work: [[Stage: Work]], _ configuration: ModelConfiguration,
    _ peaks: BenchmarkReport.Peaks
  ) -> BenchmarkReport.Clip {
    let stages = StageMap(configuration).stages
    func frames(_ isAmong: (Int) -> Bool) -> BenchmarkReport.Clip.Frames? {
      let kept = times.filter { isAmong($0.frame) }
      guard !kept.isEmpty else { return nil }
      return BenchmarkReport.Clip.Frames(
        seconds: kept.map { $0.stages.values.reduce(0, +) },
        stages: stages.reports(kept.map(\.stages), kept.map { work[$0.frame] }, peaks))
    }
    let full = configuration.memoriesOfFullBank
    return BenchmarkReport.Clip(
      path: input.source.path, width: width, height: height, objects: objects,
      frames: times.map { time in
        BenchmarkReport.Clip.Frame(
          round: time.round, frame: time.frame, memories: configuration.memories(on: time.frame),
          seconds: time.stages.values.reduce(0, +),
          stages: Dictionary(uniqueKeysWithValues: time.stages.map { ($0.name, $1) }))
      }, filling: frames { $0 > 0 && configuration.memories(on: $0) < full },
      full: frames { $0 > 0 && configuration.memories(on: $0) == full })
  }
}

extension ModelConfiguration {
  /// How many frames one attends to at most that was tracked to from the first, which alone was pointed at.
  fileprivate var memoriesOfFullBank: Int { max(0, numMaskmem) }

  /// How many frames a frame attends to: the first, its neighbour, and every so manieth before.
  /// Source: sam2/modeling/sam2_base.py, `_prepare_memory_conditioned_features`.
  fileprivate func memories(on frame: Int) -> Int {
    guard frame > 0, numMaskmem > 0 else { return 0 }
    let stride = memoryTemporalStrideForEval
    let nearest = (frame - 2).quotientAndRemainder(dividingBy: stride).quotient * stride
    let back = (1..<numMaskmem).filter { back in
      (back == 1 ? frame - 1 : nearest - (back - 2) * stride) > 0
    }
    return 1 + back.count
  }
}

/// A clip's first frames, whose decoding and resizing are stages.
private struct MeteredFrames: VideoFrames {
  let input: VideoInput
  let most: Int
  let meter: StageMeter<Double>

  var count: Int? { most }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let frame = try meter.measure(.decode, { try input.source.frame(at: index) }) else {
      throw EndOfVideo()
    }
    return try meter.measure(.prepare) { try frame.prepared(size: size) }
  }
}

/// Frames that are only counted.
struct UnmadeFrames: VideoFrames {
  let count: Int?

  init(count: Int) { self.count = count }

  func frame(_ index: Int, size: Int) throws -> Tensor { .unmade([3, size, size]) }
}
