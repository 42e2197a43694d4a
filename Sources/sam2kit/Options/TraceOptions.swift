import ArgumentParser
import Pipelines
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

  func validate() throws {
    try OutputName.check(trace, "--trace", is: OutputName.recording)
    try OutputName.check(sketch, "--sketch", is: OutputName.recording)
    guard tap.isEmpty || request.isAsked else {
      throw ValidationError("--tap needs --trace FILE.h5 or --sketch FILE.h5")
    }
    guard !compress || trace != nil else { throw ValidationError("--compress needs --trace FILE.h5") }
  }

  /// What is written.
  var files: CommandFiles { CommandFiles(written: [trace, sketch]) }

  /// What is asked for.
  var request: RecordingRequest {
    var request = RecordingRequest(trace: trace, sketch: sketch)
    (request.taps, request.compresses) = (tap, compress)
    return request
  }
}

/// Which taps of a recording to keep.
struct TapSelectionOptions: ParsableArguments {
  @Option(name: .long, help: "Keep taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @Option(name: .long, help: "Of a video keep this frame, and what belongs to none; may be repeated.")
  var frame: [Ranged<FrameNumber>] = []
  @Option(name: .long, help: "Of a video keep this object, and what belongs to none; may be repeated.")
  var object: [Ranged<ObjectNumber>] = []
  @Flag(name: .long, help: "Leave predictions out, which --tap otherwise doesn't.")
  var noPredictions = false

  /// What was asked for.
  var selection: TapSelection {
    TapSelection(
      patterns: tap.map { TapPattern($0) }, frames: Set(frame.map(\.value)), objects: Set(object.map(\.value)),
      keepsPredictions: !noPredictions)
  }
}
