import ArgumentParser
import Files
import Pipelines

/// The command line: parses, calls the libraries, prints.
@main
struct Sam2Kit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sam2kit",
    abstract: "Convert SAM 2 checkpoints, run them, and verify them against PyTorch.",
    discussion: """
      Exit codes: 0 fine; 1 the numbers disagree, checkpoints differ or a scan found something; 2 the input or the run
      failed; 64 wrong usage.
      Results go to stdout, remarks and progress to stderr.
      """,
    version: Product.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Checkpoints",
        subcommands: [Inspect.self, Convert.self, Quantize.self, Diff.self, Fetch.self, Synthesize.self]),
      CommandGroup(
        name: "Models",
        subcommands: [Segment.self, MasksCommand.self, Encode.self, Track.self, Evaluate.self, Benchmark.self]),
      CommandGroup(
        name: "Verification",
        subcommands: [Verify.self, Compare.self, Judge.self, CalibratePolicy.self]),
      CommandGroup(
        name: "Traces",
        subcommands: [
          TraceInfo.self, TraceDiff.self, TraceCut.self, TraceSketch.self, TraceMergeCommand.self,
        ]),
    ])
}

extension Sam2Kit {
  /// What to start from, for who says nothing.
  private static let firstSteps = """
    sam2kit fetch sam2.1_hiera_tiny       # get a model once; every command then knows it by this name
    sam2kit segment --model sam2.1_hiera_tiny --image photo.jpg --point 500,375 --output out
    sam2kit track --model sam2.1_hiera_tiny --video clip.mp4 --point 500,375 --output tracks --overlay tracks.mp4
    sam2kit --help                        # everything else; sam2kit COMMAND --help on one of them
    """

  func run() { print(Self.firstSteps.split(separator: "\n").map(String.init)) }

  /// Runs the command that the arguments name.
  static func main() {
    PartialFiles.removeOnInterrupt()
    ShrinkingFiles.exitWhenRead()
    var end = ExitCode.success
    do {
      let arguments = FilePath.arguments
      try refuseEmpty(arguments)
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      end = exitCode(for: error)
      let lines = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false).map(
        String.init)
      // Help and the version are results, too.
      let isSaid = lines != [""]
      if isSaid, end.isSuccess { print(lines) }
      if isSaid, !end.isSuccess { lines.forEach(Console.message) }
    }
    if end.isSuccess {
      do { try StandardOutput.check() } catch {
        if !(error is ExitCode) { Console.remark("error: \(error)") }
        end = error as? ExitCode ?? ExitCode(2)
      }
    }
    exit(withError: end)
  }

  /// An argument without a letter is what is left of a variable that was never set.
  ///
  /// - Throws: `ValidationError`.
  private static func refuseEmpty(_ arguments: [String]) throws(ValidationError) {
    for (place, argument) in arguments.enumerated() {
      let isEmptyOption = argument.hasPrefix("--") && argument.firstIndex(of: "=") == argument.indices.last
      guard argument.isEmpty || isEmptyOption else { continue }
      let before = isEmptyOption ? String(argument.dropLast()) : place > 0 ? arguments[place - 1] : ""
      let name = before.hasPrefix("-") ? before : "argument \(place + 1)"
      throw ValidationError("\(name): expected a value, found an empty one")
    }
  }
}
