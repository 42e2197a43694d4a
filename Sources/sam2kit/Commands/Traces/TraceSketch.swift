import ArgumentParser
import Traces

struct TraceSketch: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-sketch",
    abstract: "Make a trace into a sketch, small enough to commit.",
    discussion: "The same as recording with --sketch would have made. Arrays are read piece by piece.")

  @Argument(help: "A trace.")
  var file: String
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String
  @OptionGroup var selection: TapSelectionOptions

  func execute() throws {
    let run = try Recording.open(path: file)
    let kept = try run.sketch(to: output, keeping: selection.selection)
    selection.remark(on: run)
    Console.remark("\(output): \(kept) of \(run.taps.count) taps")
  }
}
