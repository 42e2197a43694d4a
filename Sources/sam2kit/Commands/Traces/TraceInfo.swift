import ArgumentParser
import Taps
import Traces

struct TraceInfo: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-info",
    abstract: "Say what a trace or a sketch holds and where it comes from.",
    discussion: "Elements are not read. Taps that are stored with an earlier one are marked with =.")

  @Argument(help: "A trace or a sketch.")
  var file: String
  @Flag(name: .long, help: "Provenance and totals alone.")
  var brief = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func execute() throws {
    let summary = try TraceSummary(.open(path: file))
    if json { try Console.json(summary) } else { print(TraceSummaryText(summary, withTaps: !brief).text) }
  }
}
