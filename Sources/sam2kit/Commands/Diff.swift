import ArgumentParser
import Checkpoints

struct Diff: Command {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Say what two checkpoints don't have in common, tensor by tensor.",
    discussion: """
      Formats and namings don't matter: tensors are compared by their official names. Named are tensors that B \
      has added, that are missing from it, whose shape or type is another, and those whose elements differ in \
      any bit, with the largest change, where it is, and the cosine between both. Tensors of another type are \
      compared as numbers. Exits with 0 if all tensors are the same bits, 1 if something differs, 2 if a file \
      can't be read.
      """)

  @Argument(help: "A checkpoint: .pt, .safetensors, .h5, .gguf or a folder of transformers.")
  var first: String
  @Argument(help: "The checkpoint to compare with it.")
  var second: String
  @Option(
    name: .long,
    help: ArgumentHelp("Which model of the first, if it holds several, such as model or ema.", valueName: "key")
  )
  var key: String?
  @Option(
    name: .long,
    help: ArgumentHelp("Which model of the second; both may be the same file.", valueName: "key"))
  var otherKey: String?
  @OptionGroup var limits: LimitOptions
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  var files: CommandFiles {
    CommandFiles(read: [first, second])
  }

  func execute() throws {
    let checkpoints = try [(first, key), (second, otherKey)].map { try limits.open($0, key: $1) }
    let difference = try CheckpointDifference(checkpoints[0], checkpoints[1]) {
      Console.line("comparing \($0)")
    }
    Console.line("")
    let report = DifferenceReport(difference, checkpoints[0], checkpoints[1])
    if json { try Console.json(report) } else { print(report.text) }
    if !difference.isEmpty { throw ExitCode(1) }
  }
}
