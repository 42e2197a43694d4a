// A checkpoint of 40 GB that takes a few kilobytes on disk: most of it is a hole.
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct SparseCheckpointTests {
  private static let small = (0..<1000).map { Float($0) - 500 }
  /// 10^10 numbers: zip64 from its second entry on.
  private static let large = Shape([100_000, 100_000])

  /// `large.weight` of 40 GB and `small.bias`, written as PyTorch writes them.
  private func writeCheckpoint(to path: String) throws {
    let hole = "\(path).hole"
    let handle = open(hole, O_RDWR | O_CREAT, 0o644)
    defer {
      close(handle)
      unlink(hole)
    }
    try #require(ftruncate(handle, off_t(Self.large.count * 4)) == 0)
    var writer = try TorchWriter(
      path: path,
      [.init(name: "large.weight", shape: Self.large), .init(name: "small.bias", shape: Shape([1000]))])
    try writer.copy(0..<Self.large.count * 4, of: try MappedFile(path: hole))
    try Self.small.withUnsafeBytes { try writer.write($0) }
    try writer.finish()
  }

  private func diskBytes(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : -1
  }

  private func check(_ checkpoint: Checkpoint) throws {
    #expect(checkpoint.fileByteCount > 40_000_000_000)
    #expect(diskBytes(checkpoint.path) < 1 << 20)
    #expect(checkpoint["large.weight"]?.shape == Self.large)
    #expect(try checkpoint.float32("small.bias").elements == Self.small)
    let statistics = try checkpoint.statistics()
    let index = try #require(checkpoint.entries.firstIndex { $0.name == "large.weight" })
    let found = try #require(statistics[index])
    #expect(found.count == 10_000_000_000 && found.finiteCount == found.count)
    #expect(found.minimum == 0 && found.maximum == 0 && found.mean == 0 && found.standardDeviation == 0)
  }

  @Test func isInspectedAndConvertedAsASparseFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/large.pt"
      try writeCheckpoint(to: path)
      try #require(diskBytes(path) < 1 << 20, "a file system without holes")
      let source = try Checkpoint.open(path: path, digesting: true)
      try check(source)
      try source.verify()
      let output = "\(folder)/out.safetensors"
      try Conversion(source).write(to: output, as: .safetensors)
      let result = try Checkpoint.open(path: output)
      try check(result)
      // Too large for a digest of all of it.
      #expect(result.metadata == ["source_directory_sha256": try #require(source.directoryDigest)])
      // And from one archive into another.
      try Conversion(source).write(to: "\(folder)/out.pt", as: .torch)
      try check(try Checkpoint.open(path: "\(folder)/out.pt"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
    }
  }

  /// Of a `.pt` file of that size the whole digest is taken when it is asked for.
  @Test func theWholeDigestIsTakenByFormatAndSize() {
    let limit = Conversion.wholeDigestLimit
    #expect(Conversion.takesWholeDigest(of: .torch, byteCount: limit))
    #expect(!Conversion.takesWholeDigest(of: .torch, byteCount: limit + 1))
    for format in [Checkpoint.Format.safetensors, .gguf, .hdf5] {
      #expect(Conversion.takesWholeDigest(of: format, byteCount: .max))
    }
  }

  @Test func aWrongByteAmidAHoleIsFound() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/large.pt"
      try writeCheckpoint(to: path)
      let handle = open(path, O_RDWR)
      try #require(pwrite(handle, "x", 1, 20_000_000_000) == 1)
      close(handle)
      let source = try Checkpoint.open(path: path)
      #expect(throws: CheckpointError.self) {
        try Conversion(source).write(to: "\(folder)/out.gguf", as: .gguf)
      }
      #expect(throws: CheckpointError.self) { try source.statistics() }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["large.pt"])
    }
  }
}
