import Foundation
import TestSupport

/// A program that waits at a file of its own making, so that what is done to it there does not depend on how fast it is.
enum HeldProgram {
  struct NoLibrary: Error {
    let status: Int32
  }

  /// `Programs/disk_calls.c`, built once beside the program.
  static let library = Result {
    let library = Program.path.deletingLastPathComponent().appendingPathComponent("disk_calls.so").path
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let source = TestFiles.package("Tests/sam2kitTests/Programs/disk_calls.c")
    compiler.arguments = ["clang", "-shared", "-fPIC", source, "-o", library, "-ldl"]
    try compiler.run()
    compiler.waitUntilExit()
    if compiler.terminationStatus != 0 { throw NoLibrary(status: compiler.terminationStatus) }
    return library
  }

  /// Sends a process a signal, and waits until it has been taken: two that wait together would be one.
  static func send(_ signal: Int32, to process: Process) {
    kill(process.processIdentifier, signal)
    wait { !process.isRunning || !isPending(signal, process.processIdentifier) }
  }

  /// Sends a process a signal until it has ended, however often it takes one for the one before.
  static func send(_ signal: Int32, untilTheEndOf process: Process) {
    wait {
      kill(process.processIdentifier, signal)
      return !process.isRunning
    }
  }

  /// Whether a signal waits to be taken, where the system says so.
  private static func isPending(_ signal: Int32, _ process: Int32) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").contains { line in
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count == 2, ["SigPnd:", "ShdPnd:"].contains(fields[0]) else { return false }
      return (UInt64(fields[1], radix: 16) ?? 0) >> UInt64(signal - 1) & 1 == 1
    }
  }

  /// Runs a process to its end, and calls `body` once it has made a file, beyond which it goes only when `body` is done.
  /// Where nothing is loaded before the C library, it goes on meanwhile.
  static func run(_ process: Process, at file: String, _ body: () -> Void) throws {
    let released = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    #if os(Linux)
      process.environment = (process.environment ?? ProcessInfo.processInfo.environment).merging(
        ["LD_PRELOAD": try library.get(), "HOLD_AT": file, "HOLD_UNTIL": released]) { $1 }
    #endif
    try process.run()
    wait { !process.isRunning || FileManager.default.fileExists(atPath: file) }
    body()
    try Data().write(to: URL(fileURLWithPath: released))
    process.waitUntilExit()
    try FileManager.default.removeItem(atPath: released)
  }
}

/// Starts the program and sends it signals once a file is there.
func interrupt(
  _ arguments: [String], at name: String, in folder: String, with signals: [Int32]
) throws -> (code: Int32, reason: Process.TerminationReason, errors: String) {
  let process = Program.process(arguments)
  let errors = Pipe()
  process.standardOutput = FileHandle.nullDevice
  process.standardError = errors
  try HeldProgram.run(process, at: "\(folder)/\(name)") {
    if let first = signals.first { HeldProgram.send(first, to: process) }
    for signal in signals.dropFirst() { HeldProgram.send(signal, untilTheEndOf: process) }
  }
  let remarks = errors.fileHandleForReading.readDataToEndOfFile()
  return (process.terminationStatus, process.terminationReason, String(decoding: remarks, as: UTF8.self))
}
