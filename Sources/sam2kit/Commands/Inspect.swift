import ArgumentParser
import Checkpoints

struct Inspect: Command {
  static let configuration = CommandConfiguration(
    abstract: "Say what a checkpoint is and what its tensors look like.",
    discussion: """
      Nothing in the file is executed. Statistics are of the finite numbers; std is the population's. Taking them reads \
      the whole file and verifies its checksums; --no-statistics reads only what says where the tensors are.
      """)

  @Argument(help: "A .pt, .safetensors, .h5 or .gguf file.")
  var file: String
  @Flag(name: .long, inversion: .prefixedNo, help: "Read every tensor for its statistics.")
  var statistics = true
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func execute() throws {
    let checkpoint = try Checkpoint.open(path: file)
    let report = try InspectionReport(checkpoint, statistics: statistics)
    if json { try Console.json(report) } else { print(report.text) }
  }
}
