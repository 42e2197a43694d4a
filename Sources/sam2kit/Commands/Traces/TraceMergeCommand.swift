import ArgumentParser
import Traces

struct TraceMergeCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-merge",
    abstract: "Join traces, or sketches, of one run.",
    discussion: """
      Their provenance must be the same. A tap that stands in several, as predictions mostly do, must be the same to the \
      bit; what is not is named, and nothing is written.
      """)

  @Argument(help: "Traces or sketches, at least two.")
  var files: [String]
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  func validate() throws {
    guard files.count >= 2 else {
      throw ValidationError("trace-merge takes at least two files, found \(files.count)")
    }
  }

  func execute() throws {
    let count = try Recording.merge(files.map { try .open(path: $0) }, to: output)
    Console.remark("\(output): \(count) taps")
  }
}
