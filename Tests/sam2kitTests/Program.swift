import Foundation

/// Runs the built program, as a user would.
enum Program {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  /// The executable, which lies beside the test bundle.
  static var path: URL {
    let bundle =
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return bundle.deletingLastPathComponent().appendingPathComponent("sam2kit")
  }

  /// The program, ready to be started.
  static func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = path
    process.arguments = arguments
    return process
  }

  static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  /// - Parameters:
  ///   - variables: of the environment, besides what this process has.
  ///   - script: what starts it, where a shell is to set limits or to redirect: `$0` is the program, `$@` are its arguments.
  static func run(
    _ arguments: [String], with variables: [String: String] = [:], through script: String? = nil
  ) throws -> Outcome {
    let process = process(arguments)
    if let script {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", script, path.path] + arguments
    }
    process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
    let (output, errors) = (Pipe(), Pipe())
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
