import Files
import Foundation
import TestSupport
import Testing

#if compiler(>=6.2)
  /// In a process of its own, which the file's end takes along.
  @Test func aFileThatShrinksWhileItIsReadIsNamedAndTheOutputRemoved() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sam2kit-shrinking").path
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sam2kit-shrinking").path
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
