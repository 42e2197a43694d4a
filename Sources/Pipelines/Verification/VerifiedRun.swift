import Checkpoints
import Files
import Foundation
public import Reports
import SAM2
import Taps
import Tensors
import Traces
public import Verification

/// Which model to hold against which recording.
public struct VerifyRequest: Sendable {
  /// The model; its configuration is the recording's unless one is named.
  public var model: ModelRequest
  /// What PyTorch computed: a trace, or without isolation also a sketch.
  public var reference: String
  /// The picture or video that was recorded; nil where the recording holds what was prepared of it.
  public var input: String?
  /// The folder of the prompts' mask files; nil for the recording's.
  public var maskFolder: String?
  /// Whether each module is also run on its recorded inputs, and its output compared alone.
  public var isolates = false
  /// Whether modules that the backend runs as one stay so although the recording looks inside: what they come to is then
  /// compared, and what was recorded inside them is fused.
  public var keepsWholes = false
  /// Which taps to compare: globs of module paths or names; all where there are none.
  public var taps: [String] = []
  /// What is near enough.
  public var policy = SAM2Policies.f32
  /// Where to record the run, too.
  public var trace: String?
  /// Whether to find out where errors are and how masks differ.
  public var wantsPictures = false
  /// Whether to go on although checkpoint, input, prompts or configuration are others than the recording's.
  public var forces = false

  /// A model to hold against a recording.
  public init(model: ModelRequest, reference: String) {
    self.model = model
    self.reference = reference
  }
}

/// What was found.
public struct VerifyResult: Sendable {
  /// Every array of the recording held against the run, and the first divergence.
  public let comparison: Verdict
  /// How masks differ, where pictures were asked for.
  public let masks: [MaskDifference]
}

/// Runs a model on a recording's own inputs and compares every array as it is made, without storing any.
///
/// - Parameters:
///   - watch: Is told what goes on.
///   - isCancelled: Asked between objects and frames, beside the task's own cancellation.
/// - Throws: `OtherRunsCompared` where it is a recording of something else, `CancellationError`, and what keeps the model,
///   the recording or the input from being read.
public func verify(
  _ request: VerifyRequest, watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
) throws -> VerifyResult {
  let recording = try Recording.open(path: request.reference)
  if request.isolates, case .sketch = recording { throw SketchIsolated(path: request.reference) }
  let run = try VerifiedRun(recording, request, watch)
  if !request.forces {
    try run.agreement.requireSameRun(reference: request.reference, candidate: request.model.path)
  }
  let verifier = LiveComparison(
    reference: recording, patterns: request.taps.map { TapPattern($0) },
    policy: request.policy.narrowed(to: run.model.precision), isolates: request.isolates,
    weights: ModuleWeights(run.model.checkpoint), keepsPictures: request.wantsPictures)
  try run.perform(verifier, watch) { isCancelled() || Task.isCancelled }
  let result = run.result(verifier)
  var masks: [MaskDifference] = []
  if request.wantsPictures {
    masks = try MaskDifference.all(of: result.comparison, recording.source, verifier.masks)
  }
  return VerifyResult(comparison: result, masks: masks)
}

/// A model made ready to repeat what was recorded.
private struct VerifiedRun {
  let model: Model
  /// Whether what is about to run is what was recorded.
  let agreement: Agreement
  private let recording: Recording
  private let input: any RecordedInput
  private let provenance: Provenance
  private let trace: String?
  private let keepsWholes: Bool

  /// Opens what the run needs; nothing is computed yet.
  init(_ recording: Recording, _ request: VerifyRequest, _ watch: PipelineWatcher) throws {
    self.recording = recording
    trace = request.trace
    keepsWholes = request.keepsWholes
    let recorded = recording.provenance
    model = try Model(request.model, recorded: (recorded.configuration, recording.path), watch: watch)
    if let norms = model.checkpoint.metadata[MetadataKey.equalizedNorms] {
      let count = norms.split(separator: " ").count
      watch(
        .note(
          "\(request.model.path): \(count) norms were equalized with the layers that read them; what they return isn't "
            + "the recorded run's"))
    }
    let folder =
      request.maskFolder ?? URL(fileURLWithPath: recording.path).deletingLastPathComponent().path
    switch recorded.input.kind {
    case "picture": input = try RecordedPicture(recording, file: request.input, masks: folder, watch)
    case "video": input = try RecordedVideo(recording, file: request.input, masks: folder)
    case let kind: throw UnknownInput(path: recording.path, kind: kind)
    }
    provenance = model.provenance(
      of: input.description, prompts: recorded.prompts,
      RunDigests(checkpoint: CheckpointIdentity(of: model.checkpoint), input: input.digest),
      filter: TapFilter(), keepsWholes: request.keepsWholes)
    agreement = try Agreement(recorded, provenance, configuration: Agreement.settings)
  }

  /// What is held back for tensors to come: enough for one model's, not for those that stand beside them here.
  private static let idleBytes = 448 << 20

  /// Runs the model while it is compared, and recorded if that is asked for.
  func perform(_ verifier: LiveComparison, _ watch: PipelineWatcher, _ isCancelled: () -> Bool) throws {
    Tensor.limitIdleMemory(bytes: Self.idleBytes)
    let writers = try trace.map { [try TraceWriter(path: $0, provenance: provenance)] } ?? []
    let taps = verifier.makeTaps(writers, keepsWholes: keepsWholes)
    try input.run(model, taps, verifier, watch, isCancelled)
    verifier.take(wholes: taps.wholes)
    try taps.finish()
  }

  /// What was found.
  func result(_ verifier: LiveComparison) -> Verdict {
    var result = Verdict(
      reference: .init(path: recording.path, provenance: recording.provenance),
      candidate: .init(path: model.checkpoint.path, provenance: provenance),
      differences: agreement.differences, comparison: verifier.comparison)
    result.divergence = verifier.divergence
    return result
  }
}

/// What a recording was made of, ready to be run again.
protocol RecordedInput {
  /// The digest of its file, or what the recording says where the file isn't needed.
  var digest: String { get }
  /// What it is and how it is prepared.
  var description: TraceInput { get }
  /// Runs a model on it as the recording's prompts say, and offers the predictions.
  func run(
    _ model: Model, _ taps: Taps, _ verifier: LiveComparison, _ watch: PipelineWatcher,
    _ isCancelled: () -> Bool
  ) throws
}

/// A recording of something that can't be run here.
public struct UnknownInput: Error, CustomStringConvertible {
  let path: String
  let kind: String

  /// One sentence.
  public var description: String {
    "\(path): expected the recording of a picture or a video, found one of a \(kind)"
  }
}

/// A recording doesn't hold what it was made of, and no file was named.
public struct MissingInput: Error, CustomStringConvertible {
  let path: String
  let what: String
  let tap: String

  /// One sentence.
  public var description: String {
    "\(path): the recording does not hold \(what) (\(tap)); name the file with --input, --image or --video"
  }
}

/// A sketch says how arrays differ but can't be computed with.
public struct SketchIsolated: Error, CustomStringConvertible {
  let path: String

  /// One sentence.
  public var description: String {
    "\(path): --isolate feeds modules with what was recorded; expected a trace, found a sketch, which keeps a few "
      + "hundred elements of each array. Record a trace, or leave out --isolate"
  }
}
