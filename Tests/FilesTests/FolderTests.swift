import Files
import Foundation
import Testing
import TestSupport

@Test func listsWhatIsVisibleInAFolderInOrder() throws {
  try TestFiles.withTemporaryFolder { folder in
    for name in ["b.png", ".hidden", "B.png", "10.png", "9.png", "a"] {
      try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    #expect(try Folder.entries(folder) == ["10.png", "9.png", "B.png", "a", "b.png"])
  }
}

@Test func saysWhyAFolderCannotBeListed() throws {
  #expect(throws: FileError.unreadable(path: "/none/such", reason: "No such file or directory")) {
    try Folder.entries("/none/such")
  }
  try TestFiles.withTemporaryFolder { folder in
    try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
    #expect(throws: FileError.unreadable(path: "\(folder)/file", reason: "Not a directory")) {
      try Folder.entries("\(folder)/file")
    }
  }
}
