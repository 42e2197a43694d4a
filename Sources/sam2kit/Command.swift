import ArgumentParser
import Files
import Foundation
import Pipelines
import SAM2
import Synchronization

/// A subcommand whose errors become one sentence on stderr and exit code 2.
protocol Command: ParsableCommand {
  /// What it will read and write, as far as arguments say.
  var files: CommandFiles { get }

  /// Does the work. Throwing `ExitCode` ends with that code, silently.
  func execute() throws
}

extension Command {
  func run() throws {
    do {
      try files.check()
      let end = Result { try execute() }
      try StandardOutput.check()
      try end.get()
    } catch {
      PartialFiles.removeEmptyFolders()
      if error is ExitCode || error is ValidationError { throw error }
      Console.remark("error: \(error)")
      throw ExitCode(2)
    }
  }
}

/// What is wrong with what a file asks for, where what found it out doesn't know the file.
struct FileProblem: Error, CustomStringConvertible {
  let path: String
  let problem: String

  /// One sentence.
  var description: String { "\(path): \(problem)" }
}

/// Where words go: results to stdout, everything else to stderr.
enum Console {
  /// Whether the cursor stands behind a line that the next one would be written over.
  private static let isLineOpen = Mutex(false)

  /// Whether results may be coloured: somebody watches, and doesn't want it otherwise (https://no-color.org).
  static var isColoured: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty
      && environment["TERM"] != "dumb"
  }

  /// A remark, whatever stderr is: always one line, whatever is in it.
  static func remark(_ text: String) {
    endLine()
    write("\(text.shownLine)\n")
  }

  /// A line on wrong usage, as the parser of arguments has it.
  static func message(_ line: String) { write("\(line.shown())\n") }

  /// A word on what goes on, for somebody watching.
  static func progress(_ text: String) {
    if isatty(STDERR_FILENO) == 1 { remark(text) }
  }

  /// A line that the next one is written over, for somebody watching.
  static func line(_ text: String) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    isLineOpen.withLock { $0 = true }
    write("\r\(text.shownLine)\u{1B}[K")
  }

  /// Lets the last `line` stand.
  static func endLine() {
    let wasOpen = isLineOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    if wasOpen { write("\n") }
  }

  /// Shows what a pipeline tells.
  static func watch(_ event: PipelineEvent) {
    switch event {
    case .note(let text): remark(text)
    case .step(let text): progress(text)
    case .progress(let progress): line(progress.text)
    case .points(let progress):
      line("\(progress.done) of \(progress.total) points, \(progress.masks) masks")
    }
  }

  /// Shows what a pipeline tells while it loads a model.
  static func watchModel(_ event: PipelineEvent) {
    if case .note(let text) = event { remark("note: \(text)") } else { watch(event) }
  }

  /// A terminal that was closed meanwhile is no reason to stop.
  private static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.fileName))
  }

  /// A result as JSON with sorted keys.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    StandardOutput.write(json: try encoder.encode(value))
  }
}

extension FrameProgress {
  /// How far it is and how long it may take, in one line.
  var text: String {
    let of = total.map { " of \($0)" } ?? ""
    switch stage {
    case .verifying: return "frame \(frame)"
    case .overlay: return "overlay: frame \(done)\(of)"
    case .tracking:
      let rate = Double(doneNow) / max(seconds, 1e-9)
      let left = total.map { total -> String in
        let rest = Int(Double(max(0, total - done)) / rate)
        return String(format: ", %d:%02d left", rest / 60, rest % 60)
      }
      return "frame \(frame): \(done)\(of)\(left ?? ""), \(rate.rounded(2)) frames/s"
    }
  }
}
