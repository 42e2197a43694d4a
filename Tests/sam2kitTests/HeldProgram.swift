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
