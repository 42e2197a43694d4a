import Foundation

/// Runs the built program, as a user would.
enum Program {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  /// The executable, which lies beside the test bundle.
  private static var path: URL {
    let bundle =
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.deletingLastPathComponent().appendingPathComponent("sam2kit")
  }

  static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  static func run(_ arguments: [String]) throws -> Outcome {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = path
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // Output first: remarks are few and fit their pipe.
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let remarks = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: remarks, as: UTF8.self))
  }
}
