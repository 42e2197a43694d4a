// Commands on recordings: what they hold, what differs, and others made of them.

import ArgumentParser
import HDF5
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

  var files: CommandFiles {
    CommandFiles(read: [file])
  }

  func execute() throws {
    let summary = try TraceSummary(.open(path: file))
    if json { try Console.json(summary) } else { print(TraceSummaryText(summary, withTaps: !brief).text) }
  }
}

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

  var files: CommandFiles {
    CommandFiles(read: [first, second])
  }

  func execute() throws {
    let difference = try TraceDifference(
      .open(path: first), .open(path: second), patterns: tap.map { TapPattern($0) }, ignoring: Set(ignore))
    if json { try Console.json(difference) } else { print(TraceDifferenceText(difference).text) }
    if !difference.isEmpty { throw ExitCode(1) }
  }
}

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

  func validate() throws { try OutputName.check(output, "--output", is: OutputName.recording) }

  var files: CommandFiles {
    CommandFiles(read: [file], written: [output])
  }

  func execute() throws {
    let run = try Recording.open(path: file)
    let kept = try run.cut(to: output, keeping: selection.selection, storage: compress ? .compressed : nil)
    Console.remark("\(output): \(kept) of \(run.taps.count) taps")
  }
}

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

  func validate() throws { try OutputName.check(output, "--output", is: OutputName.recording) }

  var files: CommandFiles {
    CommandFiles(read: [file], written: [output])
  }

  func execute() throws {
    let run = try Recording.open(path: file)
    let kept = try run.sketch(to: output, keeping: selection.selection)
    Console.remark("\(output): \(kept) of \(run.taps.count) taps")
  }
}

struct TraceMergeCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "trace-merge",
    abstract: "Join traces, or sketches, of one run.",
    discussion: """
      Their provenance must be the same. A tap that stands in several, as predictions mostly do, must be the same to the \
      bit; what is not is named, and nothing is written.
      """)

  @Argument(help: ArgumentHelp("Traces or sketches, at least two.", valueName: "files"))
  var recordings: [String]
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  func validate() throws {
    guard recordings.count >= 2 else {
      throw ValidationError("trace-merge takes at least two files, found \(recordings.count)")
    }
  }

  var files: CommandFiles {
    CommandFiles(read: recordings, written: [output])
  }

  func execute() throws {
    let count = try Recording.merge(recordings.map { try .open(path: $0) }, to: output)
    Console.remark("\(output): \(count) taps")
  }
}
