import Files
import Foundation
import Testing
import TestSupport

@testable import Checkpoints

/// The folders of tools/fixtures/make_brought.py with something about them changed.
@Suite struct ShardedTests {
  static let parts = (1...3).map { "model-0000\($0)-of-00003.safetensors" }
  static let index = "model.safetensors.index.json"

  /// Copies a sharded model, lets `change` have its folder, and opens it.
  private func refusal(
    kind: String = "safetensors", _ change: (String) throws -> Void
  ) throws -> (error: CheckpointError?, index: String) {
    try TestFiles.withTemporaryFolder { folder -> (error: CheckpointError?, index: String) in
      let copy = "\(folder)/model"
      try FileManager.default.copyItem(atPath: Fixtures.path("brought/sharded_\(kind)"), toPath: copy)
      try change(copy)
      let index = "\(copy)/\(kind == "bin" ? "pytorch_model.bin.index.json" : Self.index)"
      do {
        _ = try Checkpoint.open(path: copy)
        return (nil, index)
      } catch let error as CheckpointError {
        return (error, index)
      }
    }
  }

  /// Replaces words in the index.
  private func rewrite(_ folder: String, _ old: String, _ new: String, index: String = index) throws {
    let url = URL(filePath: "\(folder)/\(index)")
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains(old))
    try text.replacing(old, with: new).write(to: url, atomically: true, encoding: .utf8)
  }

  @Test func opensByFolderAndByIndex() throws {
    let folder = Fixtures.path("brought/sharded_safetensors")
    let (one, other) = (try Checkpoint.open(path: folder), try Checkpoint.open(path: "\(folder)/\(Self.index)"))
    #expect(try CheckpointDifference(one, other).isEmpty)
    #expect(one.format == .safetensors && one.layout == .shards(3))
    // cat model-*.safetensors | sha256sum
    var whole = Data()
    for part in Self.parts { whole += try Data(contentsOf: URL(filePath: "\(folder)/\(part)")) }
    #expect(one.fileByteCount == whole.count)
    #expect(one.wholeDigest() == whole.withUnsafeBytes { SHA256.hex(of: $0) })
    #expect(one.directoryDigest == nil && one.takesWholeDigest)
  }

  @Test(arguments: [
    "../model-00002-of-00003.safetensors", "/etc/passwd", "sub/model.safetensors", "a\\\\b", "..", ".hidden",
    "c:x",
    "a\\u0000b", "",
  ])
  func looksNowhereElse(_ name: String) throws {
    let (error, index) = try refusal { try rewrite($0, Self.parts[1], name) }
    guard case .sharded(index, .unsafeName)? = error else {
      Issue.record("\(name): \(String(describing: error))")
      return
    }
    #expect(error?.description.contains("expected names of files beside it") == true)
  }

  @Test func namesMissingFiles() throws {
    let (error, index) = try refusal { folder in
      for part in Self.parts.dropFirst() { try FileManager.default.removeItem(atPath: "\(folder)/\(part)") }
    }
    #expect(error == .sharded(path: index, .missing(Array(Self.parts.dropFirst()), of: 3)))
    #expect(
      error?.description
        == "\(index): expected 3 files beside the index, found none of '\(Self.parts[1])', '\(Self.parts[2])': "
        + "fetch them too")
  }

  @Test func refusesATensorInTwoFiles() throws {
    let (error, index) = try refusal { folder in
      try FileManager.default.removeItem(atPath: "\(folder)/\(Self.parts[2])")
      try FileManager.default.copyItem(
        atPath: "\(folder)/\(Self.parts[0])", toPath: "\(folder)/\(Self.parts[2])")
    }
    #expect(
      error
        == .sharded(
          path: index,
          .twice(name: "image_encoder.trunk.pos_embed", first: Self.parts[0], second: Self.parts[2])))
  }

  @Test func refusesATensorInAnotherFileThanItsOwn() throws {
    let (error, index) = try refusal { folder in
      try rewrite(folder, "\"counts\": \"\(Self.parts[1])\"", "\"counts\": \"\(Self.parts[2])\"")
    }
    #expect(error == .sharded(path: index, .absent(name: "counts", file: Self.parts[2])))
  }

  @Test func refusesATensorThatIsInNone() throws {
    let (error, index) = try refusal { folder in
      try rewrite(folder, "\"counts\"", "\"more\": \"\(Self.parts[1])\", \"counts\"")
    }
    #expect(error == .sharded(path: index, .absent(name: "more", file: Self.parts[1])))
  }

  @Test func refusesATensorThatTheIndexDoesNotHave() throws {
    let (error, index) = try refusal { try rewrite($0, "\"counts\": \"\(Self.parts[1])\",", "") }
    #expect(error == .sharded(path: index, .unlisted(name: "counts", file: Self.parts[1])))
  }

  @Test(arguments: ["safetensors", "bin"]) func checksTheTotal(_ kind: String) throws {
    // 24 + 4 + 24 float32, 5 int64, 6 bfloat16.
    let name = kind == "bin" ? "pytorch_model.bin.index.json" : Self.index
    let (larger, index) = try refusal(kind: kind) {
      try rewrite($0, "\"total_size\": 260", "\"total_size\": 261", index: name)
    }
    #expect(larger == .sharded(path: index, .total(expected: 261, found: 260)))
    // Of PyTorch's files tensors that share memory count once, so that there may be more.
    let (smaller, other) = try refusal(kind: kind) {
      try rewrite($0, "\"total_size\": 260", "\"total_size\": 259", index: name)
    }
    #expect(smaller == (kind == "bin" ? nil : .sharded(path: other, .total(expected: 259, found: 260))))
    let (without, _) = try refusal(kind: kind) { try rewrite($0, "\"total_size\": 260", "", index: name) }
    #expect(without == nil)
  }

  @Test func refusesAnIndexAmongTheFiles() throws {
    let (error, index) = try refusal { try rewrite($0, Self.parts[1], Self.index) }
    #expect(error == .sharded(path: index, .kind(file: Self.index)))
    let (other, path) = try refusal { folder in
      try FileManager.default.removeItem(atPath: "\(folder)/\(Self.parts[1])")
      try FileManager.default.copyItem(
        atPath: Fixtures.path("brought/lzf.h5"), toPath: "\(folder)/\(Self.parts[1])")
    }
    #expect(other == .sharded(path: path, .kind(file: Self.parts[1])))
  }

  @Test func refusesAnIndexThatIsNone() throws {
    let (error, index) = try refusal { folder in
      try Data(#"{"weight_map": [1]}"#.utf8).write(to: URL(filePath: "\(folder)/\(Self.index)"))
    }
    #expect(
      error
        == .sharded(
          path: index, .index(expected: "JSON with names and files in 'weight_map'", found: "something else")))
    let (empty, path) = try refusal { folder in
      try Data(#"{"weight_map": {}}"#.utf8).write(to: URL(filePath: "\(folder)/\(Self.index)"))
    }
    #expect(empty == .sharded(path: path, .index(expected: "1 to 256 files", found: "0")))
  }

  /// A byte more than 32 MiB, most of them a hole that takes no room.
  @Test func refusesALongIndexUnread() throws {
    let (error, index) = try refusal { folder in
      let file = try FileHandle(forWritingTo: URL(filePath: "\(folder)/\(Self.index)"))
      try file.truncate(atOffset: 33_554_433)
      try file.close()
    }
    #expect(error == .sharded(path: index, .index(expected: "at most 33554432 bytes", found: "33554433")))
  }

  /// A part that was cut is named with its own path.
  @Test func namesTheFileThatIsCut() throws {
    let (error, index) = try refusal { folder in
      let url = URL(filePath: "\(folder)/\(Self.parts[2])")
      try Data(contentsOf: url).dropLast(3).write(to: url)
    }
    let part = index.replacing(Self.index, with: Self.parts[2])
    #expect(error == .safetensors(path: part, .bufferLength(expected: 12, found: 9)))
    #expect(error?.description.hasSuffix("the file is cut short, fetch it again") == true)
  }

  @Test func scansEveryPart() throws {
    try TestFiles.withTemporaryFolder { folder in
      let copy = "\(folder)/model"
      try FileManager.default.copyItem(atPath: Fixtures.path("brought/sharded_bin"), toPath: copy)
      #expect(try SecurityScan.report(path: copy).isSafe)
      let part = "pytorch_model-00002-of-00003.bin"
      try FileManager.default.removeItem(atPath: "\(copy)/\(part)")
      try FileManager.default.copyItem(
        atPath: Fixtures.path("hostile/01_os_system.pt"), toPath: "\(copy)/\(part)")
      let report = try SecurityScan.report(path: "\(copy)/pytorch_model.bin.index.json")
      #expect(
        report.findings == [
          .init(place: "\(part): a/data.pkl", reason: "the global os.system at byte 15, called once")
        ])
    }
  }

  /// Found by fuzzing: a name with line feeds in it.
  @Test func refusesInOneLine() {
    let errors: [ShardError] = [
      .unsafeName("a\n\u{1b}[2Jb"), .missing(["a\nb"], of: 2), .kind(file: "a\nb"),
      .twice(name: "a\nb", first: "c\n", second: "d\n"), .absent(name: "a\nb", file: "c\u{85}"),
      .unlisted(name: "a\u{2028}b", file: "c\r"),
    ]
    for error in errors {
      #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
      #expect(!error.description.contains { $0.isNewline })
    }
    #expect(errors[0].description.hasSuffix("found 'a\\n\\u{1B}[2Jb'"))
    let words = ForeignContent.archiveWords(["a\n.pt"], "a zip archive", command: "unzip")
    #expect(words.contains("'a\\n.pt'"))
  }

  @Test func partsAreTold() {
    #expect(ShardIndex.part(ofName: "a/model-00002-of-00005.safetensors")?.count == 5)
    #expect(ShardIndex.part(ofName: "model-00001-of-00001.bin") == nil)
    #expect(ShardIndex.part(ofName: "model-2-of-5.bin") == nil)
    #expect(ShardIndex.part(ofName: "part-of-a.bin") == nil)
  }
}
