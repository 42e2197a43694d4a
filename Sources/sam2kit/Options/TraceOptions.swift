import Architecture
import ArgumentParser
import Checkpoints
import Files
import HDF5
import Kernels
import Media
import SAM2
import Taps
import Traces

/// Whether and what to record.
struct TraceOptions: ParsableArguments {
  @Option(name: .long, help: "Record every module's arguments and results into this HDF5 file.")
  var trace: String?

  @Option(name: .long, help: "Record a sketch of the same: small, and compared like a trace.")
  var sketch: String?

  @Option(name: .long, help: "Record only modules whose path matches this glob; may be repeated.")
  var tap: [String] = []

  @Flag(name: .long, help: "Compress the trace: smaller, slower.")
  var compress = false

  /// Whether anything is to be recorded.
  var isAsked: Bool { trace != nil || sketch != nil }

  func validate() throws {
    guard tap.isEmpty || isAsked else {
      throw ValidationError("--tap needs --trace FILE.h5 or --sketch FILE.h5")
    }
    guard trace == nil || trace != sketch else { throw ValidationError("--trace and --sketch name one file") }
    guard !compress || trace != nil else { throw ValidationError("--compress needs --trace FILE.h5") }
  }

  /// Opens the trace and the sketch, if asked for.
  func start(
    model: SAM2Base, input: TraceInput, digests: @autoclosure () throws -> RunDigests,
    prompts: TracePrompts, frames: Set<Int> = [], objects: Set<Int> = []
  ) throws -> TapRecorder? {
    guard isAsked else { return nil }
    let digests = try digests()
    let provenance = Provenance(
      producer: Product.name, producerVersion: Product.version, backend: model.backend.name,
      backendVersion: model.backend.version, threads: Parallelism.threads,
      checkpointSHA256: digests.checkpoint.sha256 ?? "",
      checkpointDirectorySHA256: digests.checkpoint.directorySHA256, inputSHA256: digests.input, input: input,
      prompts: prompts, configuration: model.configuration.json)
    var writers: [any TapWriter] = []
    if let trace {
      let storage: HDF5Storage = compress ? .compressed : .contiguous
      writers.append(try TraceWriter(path: trace, provenance: provenance, storage: storage))
    }
    if let sketch { writers.append(try SketchWriter(path: sketch, provenance: provenance)) }
    return TapRecorder(taps: Taps(writers: writers, filter: TapFilter(tap, frames: frames, objects: objects)))
  }
}

/// What a run is of: its checkpoint, and the SHA-256 of its picture or video.
struct RunDigests {
  let checkpoint: CheckpointIdentity
  let input: String
}

/// A trace, a sketch or both being written.
struct TapRecorder {
  let taps: Taps

  /// Puts whole files in their places.
  func finish() throws {
    try taps.finish()
    for pattern in taps.unmatchedPatterns { Console.remark("--tap \(pattern): no module has such a path") }
  }
}
