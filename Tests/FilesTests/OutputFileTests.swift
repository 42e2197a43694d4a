import Files
import Foundation
import Testing
import TestSupport

private func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

@Test func aCommittedFileIsThereWholeAndAlone() throws {
  try TestFiles.withTemporaryFolder { folder in
    let output = try OutputFile(path: "\(folder)/a.bin")
    try output.write(Array("xbc".utf8))
    try output.overwrite(at: 0, with: Array("a".utf8))
    try output.write(Array("d".utf8))
    try output.commit()
    #expect(try MappedFile.contents(of: "\(folder)/a.bin") == Array("abcd".utf8))
    #expect(try names(in: folder) == ["a.bin"])
  }
}

@Test func anAbandonedFileLeavesWhatWasThere() throws {
  try TestFiles.withTemporaryFolder { folder in
    try "old".write(toFile: "\(folder)/a.txt", atomically: false, encoding: .utf8)
    do {
      let output = try OutputFile(path: "\(folder)/a.txt")
      try output.write(Array("new".utf8))
    }
    #expect(try MappedFile.contents(of: "\(folder)/a.txt") == Array("old".utf8))
    #expect(try names(in: folder) == ["a.txt"])
  }
}

@Test func aMissingFolderIsNamed() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/none/a.bin"
    #expect(throws: FileError.unwritable(path: path, reason: "No such file or directory")) {
      _ = try OutputFile(path: path)
    }
  }
}

@Test func aFolderInTheWayIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(throws: FileError.unwritable(path: folder, reason: "a folder of that name is in the way")) {
      _ = try OutputFile(path: folder)
    }
  }
}

/// The rename would put a file where a device was, such as `/dev/null`.
@Test func aPipeInTheWayIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    #expect(throws: FileError.unwritable(path: path, reason: "a device or pipe of that name is in the way")) {
      _ = try OutputFile(path: path)
    }
  }
}
