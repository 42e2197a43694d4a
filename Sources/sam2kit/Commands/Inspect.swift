import ArgumentParser
import Checkpoints

struct Inspect: Command {
  static let configuration = CommandConfiguration(
    abstract: "Say what a checkpoint is and what its tensors look like.",
    discussion: """
      Nothing in the file is executed. Tensors have their official names whatever the file calls them. Statistics are of the finite numbers; std is the population's.
      """)

  @Argument(help: "A .pt, .safetensors, .h5 or .gguf file, or a folder of transformers.")
  var file: String
  @OptionGroup var source: SourceOptions
  @Flag(name: .long, inversion: .prefixedNo, help: "Read every tensor for its statistics.")
  var statistics = true
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func execute() throws {
    let checkpoint = try Checkpoint.open(path: file, key: source.key)
    let report = try InspectionReport(checkpoint, statistics: statistics)
    if json { try Console.json(report) } else { print(report.text) }
  }
}
