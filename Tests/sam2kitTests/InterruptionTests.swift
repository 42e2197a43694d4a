import Foundation
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")

@Test(arguments: [SIGINT, SIGTERM]) func anInterruptedRunLeavesNothing(signal: Int32) throws {
  try TestFiles.withTemporaryFolder { folder in
    // So many objects that the run lasts seconds: the signal comes while the trace is written.
    let objects = (1...1000).map { #"{"id": \#($0), "points": [[\#($0 % 320), 100]], "labels": [1]}"# }
    let prompts = "\(folder)/prompts.json"
    try #"{"objects": [\#(objects.joined(separator: ","))]}"#
      .write(toFile: prompts, atomically: false, encoding: .utf8)
    let output = "\(folder)/out"
    let process = Program.process([
      "segment", "--model", micro, "--config", microYAML, "--image", TestFiles.package("Reference/micro.png"),
      "--prompts", prompts, "--output", output, "--trace", "\(output)/trace.h5",
    ])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? [] }
    wait { names().contains { $0.hasPrefix(".trace") } }
    #expect(names().contains { $0.hasPrefix(".trace") && $0.hasSuffix(".partial") })
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 128 + signal)
    #expect(names().isEmpty)
  }
}

@Test func aFileBeyondTheSystemsLimitIsAnError() throws {
  try TestFiles.withTemporaryFolder { folder in
    // The checkpoint has 6.7 MB; 1000 blocks are at most 1 MB.
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "ulimit -f 1000; exec \"$0\" convert \"$1\" out.safetensors --config \"$2\" 2>errors.txt",
      Program.path.path, micro, microYAML,
    ]
    shell.currentDirectoryURL = URL(fileURLWithPath: folder)
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 2)
    #expect(try String(contentsOfFile: "\(folder)/errors.txt", encoding: .utf8).contains("File too large"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["errors.txt"])
  }
}

/// Killed at any moment: the old file or the whole new one.
@Test(arguments: ["safetensors", "pt", "h5", "gguf"]) func aKilledConversionLeavesTheOldFileOrTheNewOne(
  format: String
) throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, output) = ("\(folder)/out/whole.\(format)", "\(folder)/out.\(format)")
    try FileManager.default.createDirectory(atPath: "\(folder)/out", withIntermediateDirectories: true)
    func process(_ path: String) -> Process {
      let process = Program.process(["convert", micro, path, "--config", microYAML])
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      return process
    }
    let start = ContinuousClock.now
    let first = process(whole)
    try first.run()
    first.waitUntilExit()
    let duration = (ContinuousClock.now - start) / .microseconds(1)
    // A .pt names its entries after itself, so the new file is made under its own name once.
    let reference = format == "pt" ? output : whole
    if format == "pt" {
      let named = process(output)
      try named.run()
      named.waitUntilExit()
    }
    let (old, new) = (Data("old".utf8), try Data(contentsOf: URL(fileURLWithPath: reference)))
    for _ in 0..<6 {
      try old.write(to: URL(fileURLWithPath: output))
      let process = process(output)
      try process.run()
      // Most of the time goes by before the first byte is written.
      usleep(UInt32(duration * Double.random(in: 0.3...1.1)))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let found = try Data(contentsOf: URL(fileURLWithPath: output))
      #expect(found == old || found == new, "\(found.count) bytes")
    }
  }
}

/// Folders on file systems of their own, which only an administrator makes; elsewhere permissions serve.
private enum Trouble {
  static let isAdministrator = geteuid() == 0

  /// Runs `body` with a folder on a file system of one megabyte.
  static func withSmallDisk(_ body: (String) throws -> Void) throws {
    try withMount(options: "size=1m") { folder in try body(folder) }
  }

  /// Runs `body` with a folder that can't be written to and has one file in it.
  static func withReadOnlyFolder(_ body: (String) throws -> Void) throws {
    if isAdministrator {
      try withMount(options: "size=1m") { folder in
        try "old".write(toFile: "\(folder)/out.safetensors", atomically: false, encoding: .utf8)
        try #require(run("mount", "-o", "remount,ro", folder) == 0)
        try body(folder)
      }
    } else {
      try TestFiles.withTemporaryFolder { folder in
        try "old".write(toFile: "\(folder)/out.safetensors", atomically: false, encoding: .utf8)
        try #require(chmod(folder, 0o555) == 0)
        defer { chmod(folder, 0o755) }
        try body(folder)
      }
    }
  }

  /// Whether this machine lets an administrator mount a file system in memory, which containers often don't.
  static let canMount = isAdministrator && (try? withMount(options: "size=1m") { _ in }) != nil

  private static func withMount(options: String, _ body: (String) throws -> Void) throws {
    try TestFiles.withTemporaryFolder { folder in
      try #require(run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder) == 0)
      defer { _ = run("umount", folder) }
      try body(folder)
    }
  }

  private static func run(_ command: String...) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }
}

@Test(
  .enabled(if: Trouble.canMount, "needs a small file system of its own"),
  arguments: ["safetensors", "pt", "h5", "gguf"])
func aFullDiskIsAnErrorAndIsCleanedUp(format: String) throws {
  try Trouble.withSmallDisk { folder in
    let output = "\(folder)/out.\(format)"
    try "old".write(toFile: output, atomically: false, encoding: .utf8)
    let outcome = try Program.run("convert", micro, output, "--config", microYAML)
    #expect(outcome.code == 2 && outcome.errors.contains(output))
    #expect(outcome.errors.contains("No space left on device"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.\(format)"])
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "old")
  }
}

@Test(.enabled(if: Trouble.canMount || !Trouble.isAdministrator, "permissions don't bind an administrator"))
func aReadOnlyFolderIsAnError() throws {
  try Trouble.withReadOnlyFolder { folder in
    let output = "\(folder)/out.safetensors"
    let outcome = try Program.run("convert", micro, output, "--config", microYAML)
    #expect(outcome.code == 2 && outcome.errors.hasPrefix("error: \(output): can't be written: "))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "old")
  }
}
