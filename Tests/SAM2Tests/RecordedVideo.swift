import Architecture
import Checkpoints
import Configurations
import Files
import Masks
import Media
import OpenBLASBackend
import Prompts
import SAM2
import Taps
import Tensors
import TestSupport
import Traces
import Verification

/// A committed model with a clip that recordings from PyTorch use.
struct RecordedVideo {
  let reader: TraceReader
  let model: SAM2Base
  let clip: String

  /// A recording of a model under `stem`, on the frames of `clip`. The model is built as the recording says.
  init(_ recording: String, model stem: String, clip: String = TestFiles.package("Reference/clips/shapes"))
    throws
  {
    reader = try TraceReader(path: recording)
    let configuration = try ModelConfiguration(yaml: reader.provenance.configuration, origin: recording)
    model = try SAM2Base(
      configuration, weights: Checkpoint.open(path: "\(stem).pt"), backend: OpenBLASBackend())
    self.clip = clip
  }

  /// A recording of `Weights/sam2.1_micro`.
  static func micro(_ name: String) throws -> RecordedVideo {
    try RecordedVideo(
      TestFiles.package("Reference/video/\(name).h5"), model: TestFiles.package("Weights/sam2.1_micro"))
  }

  /// What a run of the micro model may be off by. Where a memory lies halfway between two of bfloat16, the last bit of an
  /// error decides, and at 64 tokens a frame that shows: 5.4e-4 at most, by five of OpenBLAS's kernels.
  static let rounding = 2e-3

  /// Does what was recorded.
  ///
  /// - Parameter check: sees every frame's masks.
  func perform(
    _ taps: Taps, history: VideoHistory = .everything,
    check: (FrameMasks, Int) throws -> Void = { _, _ in }
  ) throws {
    let frames = try ClipFrames(path: clip)
    var session = try VideoPredictor(model)
      .session(frames, width: frames.source.width, height: frames.source.height, history: history)
    let script = reader.provenance.prompts.script(frameCount: frames.count)
    try session.perform(script, Run(taps: taps)) { name in
      try BinaryMask.read(path: TestFiles.package("Reference/video/\(name)")).tensor
    } _: { step, masks, _ in
      try masks.record(script[step], at: step, to: taps)
      try check(masks, step)
    }
    try taps.finish()
  }

  /// Does what was recorded, recording it too, and compares.
  ///
  /// - Parameter check: sees every frame's masks.
  func compare(
    history: VideoHistory = .everything, tolerance: Double = 1e-4,
    check: (FrameMasks, Int) throws -> Void = { _, _ in }
  ) throws -> Comparison {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/candidate.h5"
      let writer = try TraceWriter(path: path, provenance: reader.provenance)
      // Only what was recorded, so that traces stay small.
      let patterns = Set(reader.taps.compactMap { $0.module?.name })
      let taps = Taps(writers: [writer], filter: TapFilter(patterns.isEmpty ? ["none"] : patterns.sorted()))
      try perform(taps, history: history, check: check)
      return try Verdict(
        reference: reader, candidate: TraceReader(path: path), policy: .memories.withRelative(tolerance)
      ).comparison
    }
  }
}

extension TolerancePolicy {
  /// As `f32`, but what reads memories may differ by one rounding to bfloat16, as they are stored: 2⁻⁷. An object score
  /// near zero is held to an absolute bound.
  static let memories = TolerancePolicy(
    name: "memories", defaults: f32.defaults,
    rules: [
      "memory_attention/*/input/memory", "memory_attention.layers.*/input/memory",
      "memory_attention.layers.*.cross_attn_image/*/input/[kv]",
      "memory_attention.layers.*.cross_attn_image.[kv]_proj/*",
    ].map { ToleranceRule(taps: $0, Tolerance(limits: [.relative: 0x1p-7])) } + [
      ToleranceRule(taps: "prediction/*object_score", Tolerance(limits: [.absolute: 1e-3]))
    ])
}

/// A clip's frames, as the official loader prepares them.
struct ClipFrames: VideoFrames {
  let source: any FrameSource

  init(path: String) throws { source = try openFrameSource(path: path) }

  var count: Int? { source.count }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let frame = try source.frame(at: index) else { throw EndOfVideo() }
    return try frame.prepared(size: size)
  }
}
