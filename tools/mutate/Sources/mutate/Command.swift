import Foundation

/// Other programs.
enum Command {
  /// Runs a program to its end, or until a time is over.
  ///
  /// - Returns: What it ended with, nil where its time was over, and what it said.
  static func run(
    _ program: String, _ arguments: [String], in folder: String, with variables: [String: String] = [:],
    seconds: Double = 3600
  ) throws -> (status: Int32?, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let timer = DispatchSource.makeTimerSource()
    nonisolated(unsafe) var isOver = false
    timer.schedule(deadline: .now() + seconds)
    timer.setEventHandler {
      isOver = true
      kill(process.processIdentifier, SIGKILL)
    }
    timer.resume()
    let text = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    timer.cancel()
    return (isOver ? nil : process.terminationStatus, String(decoding: text, as: UTF8.self))
  }
}
