import Architecture
import ArgumentParser
import Checkpoints
import Files
import Kernels
import SAM2
import Traces

/// Whether and what to record.
struct TraceOptions: ParsableArguments {
  @Option(name: .long, help: "Record every module's arguments and results into this HDF5 file.")
  var trace: String?

  @Option(name: .long, help: "Record only modules whose path matches this glob; may be repeated.")
  var tap: [String] = []

  func validate() throws {
    guard tap.isEmpty || trace != nil else { throw ValidationError("--tap needs --trace FILE.h5") }
  }
}
