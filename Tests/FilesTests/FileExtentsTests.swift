// Holes: where the file system has them.
import Foundation
import Testing
import TestSupport

@testable import Files

/// A file with 1 MiB of hole, some bytes, and 1 MiB of hole.
private func withHoles(_ body: (String, [UInt8]) throws -> Void) throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/holes"
    let handle = open(path, O_RDWR | O_CREAT, 0o644)
    defer { close(handle) }
    let words = Array("between the holes".utf8)
    try #require(pwrite(handle, words, words.count, 1 << 20) == words.count)
    try #require(ftruncate(handle, 2 << 20) == 0)
    var content = [UInt8](repeating: 0, count: 2 << 20)
    content.replaceSubrange((1 << 20)..<(1 << 20) + words.count, with: words)
    try body(path, content)
  }
}

@Suite struct FileExtentsTests {
  @Test func extentsCoverAPartInOrder() throws {
    try withHoles { path, content in
      let file = try MappedFile(path: path)
      let range = 100..<content.count - 100
      let extents = file.extents(in: range)
      #expect(extents.first?.range.lowerBound == range.lowerBound)
      #expect(extents.last?.range.upperBound == range.upperBound)
      for (left, right) in zip(extents, extents.dropFirst()) {
        #expect(left.range.upperBound == right.range.lowerBound && left.isHole != right.isHole)
      }
      // What is not stored is zero.
      for extent in extents where extent.isHole { #expect(content[extent.range].allSatisfy { $0 == 0 }) }
      #expect(file.isSparse && extents.count == 3)
      #expect(file.extents(in: 5..<5).isEmpty)
    }
  }

  @Test(arguments: [0..<2 << 20, 17..<1 << 20, (1 << 20) + 3..<(1 << 20) + 4, 1 << 20..<1 << 20])
  func checksumsAreOfAllBytes(_ range: Range<Int>) throws {
    try withHoles { path, content in
      let expected = content[range].withUnsafeBytes { CRC32.checksum($0) }
      let found = try MappedFile(path: path).checksum(of: range)
      #expect(found == expected)
    }
  }

  /// The file's descriptor becomes one that can't be read from.
  @Test func holesAreNotReadForTheirChecksum() throws {
    try withHoles { path, _ in
      let file = try MappedFile(path: path)
      let unreadable = open(path, O_WRONLY)
      defer { close(unreadable) }
      try #require(dup2(unreadable, file.descriptor) == file.descriptor)
      let found = try file.checksum(of: 0..<1 << 20)
      // Python's zlib.crc32(bytes(1 << 20)).
      #expect(found == 0xa738_ea1c)
      #expect(throws: FileError.self) { try file.checksum(of: 0..<(1 << 20) + 1) }
    }
  }

  @Test func aDenseFileIsOneExtent() throws {
    try TestFiles.withTemporaryFolder { folder in
      try Data(repeating: 0, count: 100_000).write(to: URL(fileURLWithPath: "\(folder)/a"))
      let file = try MappedFile(path: "\(folder)/a")
      #expect(!file.isSparse)
      #expect(file.extents(in: 1..<9) == [MappedFile.Extent(range: 1..<9, isHole: false)])
    }
  }
}

@Suite struct FileCopyTests {
  @Test func aCopyHasTheSameBytesAndHoles() throws {
    try withHoles { path, content in
      let output = try OutputFile(path: "\(path).copy")
      let source = try MappedFile(path: path)
      try output.write(Array("head".utf8))
      try output.copy(33..<content.count, of: source)
      try output.copy(0..<5, of: source)
      try output.commit()
      let copy = try MappedFile(path: "\(path).copy")
      #expect(copy.isSparse)
      let expected = Array("head".utf8) + content[33...] + content[..<5]
      #expect(try MappedFile.contents(of: "\(path).copy") == expected)
    }
  }

  @Test func aSourceThatIsCutOffMeanwhileIsAnError() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a"
      try Data(repeating: 7, count: 1 << 20).write(to: URL(fileURLWithPath: path))
      let source = try MappedFile(path: path)
      try #require(truncate(path, 1000) == 0)
      let expected = FileError.unreadable(
        path: path, reason: "expected 1048576 bytes, found its end at byte 1000 meanwhile")
      #expect(throws: expected) { try source.checksum(of: 0..<1 << 20) }
      #if canImport(Glibc)
        #expect(throws: expected) {
          let output = try OutputFile(path: "\(folder)/b")
          try output.copy(0..<1 << 20, of: source)
        }
      #endif
      #expect(throws: FileError.self) { try source.checkUnchanged() }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
    }
  }

  @Test func aSourceThatIsRewrittenMeanwhileIsNoticed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a"
      try Data(repeating: 7, count: 1000).write(to: URL(fileURLWithPath: path))
      // Long ago, so that the time of the change is another however coarse the system's clock is.
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: path)
      let source = try MappedFile(path: path)
      try source.checkUnchanged()
      let handle = open(path, O_WRONLY)
      try #require(pwrite(handle, "x", 1, 0) == 1)
      close(handle)
      #expect(throws: FileError.self) { try source.checkUnchanged() }
    }
  }

  @Test func aDurableFileIsTheSameFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let output = try OutputFile(path: "\(folder)/a", durable: true)
      try output.write(Array("abc".utf8))
      try output.commit()
      #expect(try MappedFile.contents(of: "\(folder)/a") == Array("abc".utf8))
    }
  }
}
