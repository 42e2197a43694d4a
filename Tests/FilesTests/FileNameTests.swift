import Files
import Foundation
import Testing
import TestSupport

/// Names are bytes: UTF-8, Latin-1, broken UTF-8, and UTF-8 of the characters that stand for bytes.
@Test(arguments: [
  Array("café.jpg".utf8), [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x6A, 0x70, 0x67], [0xC3], [0xE2, 0x82],
  [0xFF, 0x80, 0x41],
  [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], Array("\u{EF80}\u{EFE9}\u{EFFF}".utf8),
  [0xE9, 0xEE, 0xBE, 0x80],
  Array("日本.png".utf8),
])
func everyNameHasATextOfItsOwn(bytes: [UInt8]) {
  let text = String(fileName: bytes)
  #expect(text.fileName == bytes)
  #expect(text.withFileName { Array(UnsafeRawBufferPointer(start: $0, count: bytes.count)) } == bytes)
  // Plain names stay plain.
  if bytes == Array("café.jpg".utf8) { #expect(text == "café.jpg") }
}

@Test func namesThatAreNoTextAreListedReadAndWritten() throws {
  #if os(Linux)
    try TestFiles.withTemporaryFolder { folder in
      let name = String(fileName: [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x70])
      let output = try OutputFile(path: "\(folder)/\(name)")
      try output.write([1, 2, 3])
      try output.commit()
      #expect(try Folder.entries(folder) == [name])
      #expect(try MappedFile.contents(of: "\(folder)/\(name)") == [1, 2, 3])
      let bytes = "\(folder)/caf".utf8.map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xE9), 0x2E, 0x70, 0]
      #expect(access(bytes, F_OK) == 0)
      #expect(FilePath.exists("\(folder)/\(name)") && !FilePath.isFolder("\(folder)/\(name)"))
      try FilePath.move("\(folder)/\(name)", to: "\(folder)/\(name)2")
      try FilePath.makeFolder("\(folder)/\(name)")
      #expect(FilePath.isFolder("\(folder)/\(name)") && access(bytes, F_OK) == 0)
      FilePath.remove("\(folder)/\(name)")
      #expect(try Folder.entries(folder) == ["\(name)2"])
    }
  #endif
}

@Test(
  arguments: [
    ("folder/b.tar.GZ", "b.tar", "gz"), ("a.b/c", "c", nil), ("folder/.hidden", ".hidden", nil),
    ("x.", "x", ""),
    ("a/b.png/", "b", "png"), ("/", "", nil),
  ] as [(String, String, String?)])
func namesHaveAStemAndPerhapsAnEnding(path: String, stem: String, ending: String?) {
  #expect(FilePath.stem(of: path) == stem)
  #expect(FilePath.ending(of: path) == ending)
}
