import Foundation
import Testing
import TestSupport

@testable import Files

@Test func onlyThePathThatIsMeantIsForgotten() {
  let table = SignalTable(capacity: 4)
  func paths() -> [String?] { table.records.map { $0.path.map { String(cString: $0) } } }
  for (index, path) in ["a", "b", "c"].enumerated() { table.add(path, start: UInt(index) + 1, count: 1) }
  table.remove { $0.start == 2 }
  #expect(paths() == ["a", nil, "c", nil])
  // No path starts there, though the free places do.
  table.remove { $0.start == 0 }
  #expect(paths() == ["a", nil, "c", nil])
  table.add("d", start: 4, count: 1)
  #expect(paths() == ["a", "d", "c", nil])
}

/// A system call that reads from such memory fails instead.
@Test func writingWhatIsGoneIsAnErrorInWords() throws {
  try TestFiles.withTemporaryFolder { folder in
    let source = "\(folder)/source"
    try Data(count: 1 << 20).write(to: URL(fileURLWithPath: source))
    let file = try MappedFile(path: source)
    try #require(truncate(source, 4096) == 0)
    let output = try OutputFile(path: "\(folder)/output")
    let expected = FileError.unwritable(
      path: "\(folder)/output", reason: "the file to read was cut short by another program meanwhile")
    #expect(throws: expected) {
      try output.write(UnsafeRawBufferPointer(rebasing: file.bytes[8192...]))
    }
  }
}

#if compiler(>=6.2)
  /// In a process of its own, which the file's end takes along.
  @Test func aFileThatShrinksWhileItIsReadIsNamedAndTheOutputRemoved() async throws {
    // Named after this process, so that others that run the tests have their own.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sam2kit-shrinking-\(getpid())")
      .path
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("sam2kit-shrinking-\(getppid())").path
      let path = "\(folder)/weights.safetensors"
      try Data(count: 1 << 20).write(to: URL(fileURLWithPath: path))
      ShrinkingFiles.exitWhenRead()
      let file = try MappedFile(path: path)
      let output = try OutputFile(path: "\(folder)/output")
      try output.write([1, 2, 3])
      #expect(file.bytes[1 << 19] == 0)
      #expect(truncate(path, 4096) == 0)
      print(file.bytes[1 << 19])
      try output.commit()
    }
    let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      words.contains(
        "\(folder)/weights.safetensors: can't be read: it was cut short by another program meanwhile"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["weights.safetensors"])
  }
#endif
