import Foundation
import TestSupport
import Testing

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Weights/sam2.1_micro.yaml")

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
    for _ in 0..<1000 where !names().contains(where: { $0.hasPrefix(".trace") }) { usleep(10_000) }
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
