import ArgumentParser
import HDF5
import Traces

struct TraceCut: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-cut",
    abstract: "Keep some taps of a trace or sketch.",
    discussion: "Provenance stays; elements are copied as they are stored, and what was stored once stays so.")

  @Argument(help: "A trace or a sketch.")
  var file: String
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String
  @OptionGroup var selection: TapSelectionOptions
  @Flag(name: .long, help: "Compress every array: smaller, slower. Otherwise each stays as it is.")
  var compress = false

  func execute() throws {
    let run = try Recording.open(path: file)
    let kept = try run.cut(to: output, keeping: selection.selection, storage: compress ? .compressed : nil)
    selection.remark(on: run)
    Console.remark("\(output): \(kept) of \(run.taps.count) taps")
  }
}
