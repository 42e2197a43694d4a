import ArgumentParser
import Taps
import Traces

struct TraceDiff: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-diff",
    abstract: "Say what differs in two traces or sketches, to the bit.",
    discussion: """
      Attributes, prompts, taps, their positions, shapes, types and every element. There is no tolerance: that is \
      what compare is for. Where one of the two is a sketch, sketches are held against each other. Exits with 0 if \
      nothing differs, 1 if something does, 2 if a file can't be read.
      """)

  @Argument(help: "A trace or a sketch.")
  var first: String
  @Argument(help: "Another one.")
  var second: String
  @Option(name: .long, help: "Look only at taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @Option(
    name: .long, help: "An attribute that may differ, such as threads or producer_version; may be repeated.")
  var ignore: [String] = []
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func execute() throws {
    let difference = try TraceDifference(
      .open(path: first), .open(path: second), patterns: tap.map { TapPattern($0) }, ignoring: Set(ignore))
    if json { try Console.json(difference) } else { print(TraceDifferenceText(difference).text) }
    if !difference.isEmpty { throw ExitCode(1) }
  }
}
