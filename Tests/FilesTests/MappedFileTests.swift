import Files
import Foundation
import Testing
import TestSupport

@Test func mapsAnEmptyFile() throws {
  try TestFiles.withTemporaryFolder { folder in
    try Data().write(to: URL(fileURLWithPath: "\(folder)/empty"))
    #expect(try MappedFile.contents(of: "\(folder)/empty").isEmpty)
  }
}

@Test func namesAMissingFile() {
  #expect(throws: FileError.unreadable(path: "/none/such", reason: "No such file or directory")) {
    try MappedFile(path: "/none/such")
  }
}

@Test func refusesAFolder() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(throws: FileError.notAFile(path: folder)) { try MappedFile(path: folder) }
  }
}

/// Without waiting for somebody to write to it, which would be for ever: no clock is needed to see that.
@Test func refusesAPipe() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    #expect(throws: FileError.notAFile(path: path)) { try MappedFile(path: path) }
  }
}
