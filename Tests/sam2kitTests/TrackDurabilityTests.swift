// What a track asks of the disk, and in which order: a loss of power may take all that it didn't wait for.
import Foundation
import Testing
import TestSupport

#if os(Linux)
  /// One call of the system, as `Programs/disk_calls.c` notes it.
  private struct DiskCall: Equatable {
    let name: String
    /// The names of files in the track's folder, `.` for the folder itself.
    let files: [String]

    init(_ name: String, _ files: String...) {
      self.name = name
      self.files = files
    }

    init?(_ line: Substring, in folder: String) {
      let parts = line.split(separator: "\t").map(String.init)
      guard let name = parts.first, parts.dropFirst().allSatisfy({ $0.hasPrefix(folder) }) else { return nil }
      self.name = name
      files = parts.dropFirst().map { path in
        let file = path.dropFirst(folder.count).drop { $0 == "/" }
        return file.isEmpty ? "." : String(file)
      }
    }
  }

  /// Runs a track and notes what it asks of the disk, up to the signal that it is sent once a file is there.
  private func diskCalls(
    of arguments: [String], into output: String, interruptedAt name: String? = nil, log: String
  ) throws -> [DiskCall] {
    try Data().write(to: URL(fileURLWithPath: log))
    let process = Program.process(Clip.arguments(arguments, into: output))
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LD_PRELOAD": try HeldProgram.library.get(), "DISK_CALLS": log]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    if let name {
      try HeldProgram.run(process, at: "\(output)/\(name)") {
        HeldProgram.send(SIGINT, to: process)
      }
    } else {
      try process.run()
      process.waitUntilExit()
    }
    #expect(process.terminationStatus == (name == nil ? 0 : 130))
    return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
      .compactMap { DiskCall($0, in: output) }
      // The lock, which nobody trusts.
      .filter { $0.files != [".sam2kit.lock"] }
  }

  @Test func whatResumeTrustsIsOnTheDiskBeforeItIsNeeded() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (journal, state, report) = (".tracks.journal", ".tracks.state", "tracks.json")
      let (output, log) = ("\(folder)/out", "\(folder)/calls.log")

      let calls = try diskCalls(
        of: ["--point", "69,37"], into: output, interruptedAt: "00006.png", log: log)
      let states = calls.indices.filter { calls[$0].name == "rename" && calls[$0].files.last == state }
      #expect(states.count >= 2)
      for index in states {
        // What the state says of the journal is there, name and all; then the state itself, bytes before name.
        let before = calls[..<index]
        let lastLine = try #require(before.lastIndex(of: DiskCall("write", journal)))
        let synced = try #require(before.lastIndex(of: DiskCall("sync", journal)))
        #expect(lastLine < synced)
        let firstLine = try #require(before.firstIndex(of: DiskCall("write", journal)))
        let named = try #require(before.lastIndex(of: DiskCall("sync", ".")))
        #expect(firstLine < named)
        let twin = calls[index].files[0]
        #expect(before.last == DiskCall("sync", twin))
        let lastByte = try #require(before.lastIndex(of: DiskCall("write", twin)))
        #expect(synced < lastByte)
        #expect(calls[index + 1] == DiskCall("sync", "."))
      }

      // A new run removes the old one's state for good before the journal that it speaks of.
      let anew = try diskCalls(of: ["--point", "44,84"], into: output, log: log)
      #expect(
        Array(anew.prefix(3)) == [
          DiskCall("unlink", state), DiskCall("sync", "."), DiskCall("unlink", journal),
        ])
      // And the report is there before what could have made it once more goes.
      let written = try #require(anew.lastIndex { $0.name == "rename" && $0.files.last == report })
      #expect(anew[written - 1] == DiskCall("sync", anew[written].files[0]))
      #expect(
        Array(anew[(written + 1)...]) == [
          DiskCall("sync", "."), DiskCall("unlink", state), DiskCall("sync", "."), DiskCall("unlink", journal),
        ])
    }
  }
#endif

@Test func masksThatAPowerCutTookComeFromTheJournal() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
    #expect(try Clip.track(["--point", "69,37"], into: whole).code == 0)
    let process = Program.process(Clip.arguments(["--point", "69,37"], into: cut))
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try HeldProgram.run(process, at: "\(cut)/00006.png") { HeldProgram.send(SIGINT, to: process) }
    #expect(process.terminationStatus == 130)
    try Data().write(to: URL(fileURLWithPath: "\(cut)/00004.png"))
    try FileManager.default.removeItem(atPath: "\(cut)/00005.png")
    #expect(try Clip.track(["--point", "69,37", "--resume"], into: cut).code == 0)
    #expect(try contents(of: cut) == contents(of: whole))
  }
}
