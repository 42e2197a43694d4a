import Foundation
import Testing
import TestSupport

@testable import Files

@Suite struct FolderLockTests {
  private func problem(_ folder: String) throws -> String? {
    do {
      _ = try FolderLock(of: folder)
      return nil
    } catch { return "\(error)" }
  }

  @Test func aFolderIsOneRunsAndThenAnothers() throws {
    try TestFiles.withTemporaryFolder { folder in
      do {
        let lock = try FolderLock(of: folder)
        let words = try String(contentsOfFile: "\(folder)/.sam2kit.lock", encoding: .utf8)
        #expect(words.hasPrefix("process \(getpid()) on "))
        let problem = try #require(try problem(folder))
        #expect(
          problem.hasPrefix("\(folder): can't be written: another run writes into it, process \(getpid()) on "),
          "\(problem)")
        withExtendedLifetime(lock) {}
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      #expect(try problem(folder) == nil)
    }
  }

  /// What a killed run leaves is a file without a lock.
  @Test func theDeadDoNotBlock() throws {
    try TestFiles.withTemporaryFolder { folder in
      try "process 1 on elsewhere: sam2kit track".write(
        toFile: "\(folder)/.sam2kit.lock", atomically: false, encoding: .utf8)
      #expect(try problem(folder) == nil)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func strangersWordsAreOneHarmlessLine() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/.sam2kit.lock"
      try "mine\u{1B}[2J\u{202E}\nsecond".write(toFile: path, atomically: false, encoding: .utf8)
      let descriptor = open(path, O_RDWR)
      defer { close(descriptor) }
      #expect(flock(descriptor, LOCK_EX) == 0)
      #expect(try problem(folder)?.contains("another run writes into it, mine?[2J?; wait") == true)
    }
  }

  @Test func aLinkInTheLocksPlaceIsNotFollowed() throws {
    try TestFiles.withTemporaryFolder { folder in
      try "precious".write(toFile: "\(folder)/file", atomically: false, encoding: .utf8)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/.sam2kit.lock", withDestinationPath: "file")
      #expect(try problem(folder)?.hasPrefix("\(folder): can't be written: ") == true)
      #expect(try String(contentsOfFile: "\(folder)/file", encoding: .utf8) == "precious")
    }
  }
}

@Suite struct SealedFileTests {
  /// The digest is that of FIPS 180-2's example.
  @Test func theFirstLineIsTheDigestOfTheRest() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/sealed"
      try SealedFile.write(Array("abc".utf8), to: path)
      #expect(
        try String(contentsOfFile: path, encoding: .utf8)
          == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\nabc")
      #expect(try SealedFile.read(path) == Array("abc".utf8))
    }
  }

  @Test func whateverIsAlteredShows() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/sealed"
      try SealedFile.write(Array("{\"a\": 1}".utf8), to: path)
      let whole = try MappedFile.contents(of: path)
      for place in whole.indices {
        for bit in 0..<8 {
          var altered = whole
          altered[place] ^= 1 << UInt8(bit)
          try Data(altered).write(to: URL(fileURLWithPath: path))
          #expect(try SealedFile.read(path) == nil, "byte \(place), bit \(bit)")
        }
        try Data(whole.prefix(place)).write(to: URL(fileURLWithPath: path))
        #expect(try SealedFile.read(path) == nil, "cut at \(place)")
      }
      try Data(whole + [0]).write(to: URL(fileURLWithPath: path))
      #expect(try SealedFile.read(path) == nil)
    }
  }
}
