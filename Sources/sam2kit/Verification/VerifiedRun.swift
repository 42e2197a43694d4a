import Architecture
import Checkpoints
import Files
import Foundation
import Kernels
import Media
import SAM2
import Tensors
import Taps
import Traces
import Verification

/// A model made ready to repeat what was recorded.
struct VerifiedRun {
  let checkpoint: Checkpoint
  /// Whether what is about to run is what was recorded.
  let agreement: Agreement
  private let recording: Recording
  private let model: SAM2Base
  private let input: any RecordedInput
  private let provenance: Provenance
  private let trace: String?

  /// Opens what the run needs; nothing is computed yet.
  ///
  /// - Parameters:
  ///   - input: The file of the picture or video; nil if it is to come out of the recording.
  ///   - masks: The folder of the prompts' masks; nil for the recording's.
  ///   - trace: Where to record the run.
  init(
    _ recording: Recording, model options: ModelOptions, backend: BackendOptions, input file: String?,
    masks: String?, trace: String?
  ) throws {
    self.recording = recording
    self.trace = trace
    let recorded = recording.provenance
    (model, checkpoint) = try options.load(
      try backend.backend.backend(backend.precision), recorded: recorded.configuration, origin: recording.path)
    let folder =
      masks.map { URL(fileURLWithPath: $0, isDirectory: true) }
      ?? URL(fileURLWithPath: recording.path).deletingLastPathComponent()
    switch recorded.input.kind {
    case "picture": input = try RecordedPicture(recording, file: file, masks: folder)
    case "video": input = try RecordedVideo(recording, file: file, masks: folder)
    case let kind: throw UnknownInput(path: recording.path, kind: kind)
    }
    let identity = try CheckpointIdentity(of: checkpoint)
    provenance = Provenance(
      producer: Product.name, producerVersion: Product.version, backend: model.backend.name,
      backendVersion: model.backend.version, precision: backend.precision.rawValue,
      threads: Parallelism.threads, checkpointSHA256: identity.sha256 ?? "",
      checkpointDirectorySHA256: identity.directorySHA256, inputSHA256: input.digest, input: input.description,
      prompts: recorded.prompts,
      configuration: model.configuration.json)
    agreement = try Agreement(recorded, provenance, configuration: ProvenanceOptions.settings)
  }

  /// What is held back for tensors to come: enough for one model's, not for those that stand beside them here.
  private static let idleBytes = 448 << 20

  /// Runs the model while it is compared, and recorded if that is asked for.
  func perform(_ verifier: LiveComparison) throws {
    Tensor.limitIdleMemory(bytes: Self.idleBytes)
    let writers = try trace.map { [try TraceWriter(path: $0, provenance: provenance)] } ?? []
    let taps = verifier.makeTaps(writers)
    try input.run(model, taps, verifier)
    verifier.take(wholes: taps.wholes)
    try taps.finish()
  }

  /// What was found.
  func result(_ verifier: LiveComparison) -> Verdict {
    var result = Verdict(
      reference: .init(path: recording.path, provenance: recording.provenance),
      candidate: .init(path: checkpoint.path, provenance: provenance), differences: agreement.differences,
      comparison: verifier.comparison)
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
  func run(_ model: SAM2Base, _ taps: Taps, _ verifier: LiveComparison) throws
}

/// A recording of something that can't be run here.
struct UnknownInput: Error, CustomStringConvertible {
  let path: String
  let kind: String
  var description: String { "\(path): expected the recording of a picture or a video, found one of a \(kind)" }
}

/// A recording doesn't hold what it was made of, and no file was named.
struct MissingInput: Error, CustomStringConvertible {
  let path: String
  let what: String
  let tap: String

  var description: String {
    "\(path): the recording does not hold \(what) (\(tap)); name the file with --input, --image or --video"
  }
}
