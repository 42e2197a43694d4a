import Architecture
import ArgumentParser
import Checkpoints
import Files
import HDF5
import Kernels
import Media
import SAM2
import Traces

/// Whether and what to record.
struct TraceOptions: ParsableArguments {
  @Option(name: .long, help: "Record every module's arguments and results into this HDF5 file.")
  var trace: String?

  @Option(name: .long, help: "Record only modules whose path matches this glob; may be repeated.")
  var tap: [String] = []

  @Flag(name: .long, help: "Compress the trace: smaller, slower.")
  var compress = false

  func validate() throws {
    guard tap.isEmpty || trace != nil else { throw ValidationError("--tap needs --trace FILE.h5") }
    guard !compress || trace != nil else { throw ValidationError("--compress needs --trace FILE.h5") }
  }

  /// Opens the trace, if one is asked for.
  func start(
    model: SAM2Base, checkpoint: Checkpoint, image: String, picture: Picture, prompts: TracePrompts
  ) throws -> Recording? {
    guard let trace else { return nil }
    let provenance = Provenance(
      producer: Product.name, producerVersion: Product.version, backend: model.backend.name,
      backendVersion: model.backend.version, threads: Parallelism.threads,
      checkpointSHA256: try MetadataKey.digest(of: checkpoint),
      inputSHA256: try SHA256.hex(ofFile: image),
      input: TraceInput(width: picture.width, height: picture.height, preprocessing: "SAM2Transforms"),
      prompts: prompts, configuration: model.configuration.json)
    let writer = try TraceWriter(
      path: trace, provenance: provenance, storage: compress ? .compressed : .contiguous)
    return Recording(writer: writer, taps: Taps(writer: writer, patterns: tap))
  }
}

/// A trace being written.
struct Recording {
  let writer: TraceWriter
  let taps: Taps

  /// Adds the predictions and puts the whole file in its place.
  func finish(_ found: Segmentation) throws {
    try writer.write(.lowResLogits, found.lowResLogits)
    try writer.write(.iou, found.iou)
    try writer.write(.objectScore, found.objectScore)
    try taps.finish()
    for pattern in taps.unmatchedPatterns { Console.remark("--tap \(pattern): no module has such a path") }
  }
}
