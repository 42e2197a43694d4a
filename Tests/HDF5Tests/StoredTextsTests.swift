// Texts of any length, of whole files and of damaged ones. Written with h5py by tools/fixtures/make_hdf5.py.
import Files
import Foundation
@testable import HDF5
import Testing
import TestSupport

private let path = TestFiles.package("Tests/Fixtures/texts.h5")

private func number(_ value: Int, _ bytes: Int) -> [UInt8] {
  (0..<bytes).map { UInt8(value >> (8 * $0) & 255) }
}

/// An object of a collection.
private func object(_ index: Int, _ bytes: [UInt8]) -> [UInt8] {
  let padding = [UInt8](repeating: 0, count: -bytes.count & 7)
  return number(index, 2) + number(1, 2) + number(0, 4) + number(bytes.count, 8) + bytes + padding
}

private func collection(_ objects: [UInt8]) -> [UInt8] {
  Array("GCOL".utf8) + [1, 0, 0, 0] + number(16 + objects.count, 8) + objects
}

/// A collection of 112 bytes after eight others, with texts 1 "ab", 3 "c\0d" and 2 of no byte, and room.
private let small =
  [UInt8](repeating: 7, count: 8)
  + collection(
    object(1, Array("ab".utf8)) + object(3, Array("c\0d".utf8)) + object(2, []) + object(0, []) + object(4, []))

@Suite struct StoredTextsTests {
  @Test func textsAreThoseThatWereWritten() throws {
    let root = try HDF5File.open(path).root()
    #expect(try root.attribute("short") == .string("a"))
    #expect(try root.attribute("empty") == .string(""))
    #expect(try root.attribute("umlaut") == .string("größer"))
    #expect(try root.attribute("long") == .string(String(repeating: "0123456789", count: 500)))
    for number in 0..<200 {
      #expect(try root.group("\(number)").attribute("name") == .string("group \(number)"))
    }
  }

  @Test func aScanSeesEveryText() throws {
    let contents = try HDF5File.open(path).root().attributeContents(limit: 100)
    let pieces = Dictionary(uniqueKeysWithValues: contents.map { ($0.name, $0.pieces) })
    #expect(pieces["list"] == [Array("one".utf8), [], Array("three".utf8)])
    #expect(pieces["long"] == [Array(String(repeating: "0123456789", count: 10).utf8)])
    // Texts within other elements are pointers into the library's memory.
    for name in ["pair", "array"] { #expect(pieces[name] == .some(nil), "\(name)") }
    #expect(pieces["reference"] == [])
  }

  /// Texts within the file, by the format's specification.
  @Test func aTextIsFoundByItsNumber() throws {
    try withTexts(small) { (texts) throws in
      #expect(try texts.text(2, in: 8, 1) == Array("ab".utf8))
      #expect(try texts.text(1, in: 8, 1) == Array("a".utf8))
      #expect(try texts.text(3, in: 8, 3) == Array("c".utf8))
      #expect(try texts.text(0, in: 8, 2) == [])
      #expect(try texts.text(5, in: 0, 9) == [])
    }
  }

  @Test(arguments: [
    (2, 8, 4, "expected a text of number 4 in the collection at 8, found none"),
    (2, 8, 0, "expected a text of number 0 in the collection at 8, found none"),
    (3, 8, 1, "expected a text of 3 bytes, found 2 stored"),
    (1, 8, 2, "expected a text of 1 bytes, found 0 stored"),
    (2, 16, 1, "expected a collection of texts at 16, found something else"),
    (2, 105, 1, "expected 16 bytes at the address 105, found a file of 120 bytes"),
    (2, UInt64.max, 1, "expected 16 bytes at the address 18446744073709551615, found a file of 120 bytes"),
  ])
  func aReferenceThatLeadsNowhereIsRefused(
    count: UInt64, address: UInt64, number: UInt32, expected: String
  ) throws {
    try withTexts(small) { (texts) throws in
      let damage = try #require(throws: StoredTexts.Damage.self) {
        _ = try texts.text(count, in: address, number)
      }
      #expect(damage.description == expected)
    }
  }

  /// Bytes of a length, of the collection or of its second text, that are changed.
  @Test(arguments: [
    (16, 113, "expected 113 bytes at the address 8, found a file of 120 bytes"),
    (56, 57, "expected a collection's objects within it, found one of 57 bytes at 64"),
    (63, 255, "expected a collection's objects within it, found one of 18374686479671623683 bytes at 64"),
  ])
  func aLengthThatLeadsOutIsRefused(position: Int, byte: UInt8, expected: String) throws {
    var bytes = small
    bytes[position] = byte
    try withTexts(bytes) { (texts) throws in
      let damage = try #require(throws: StoredTexts.Damage.self) { _ = try texts.text(2, in: 8, 1) }
      #expect(damage.description == expected)
    }
  }

  /// A collection within a text of another, so that together they are longer than the file.
  @Test func collectionsThatOverlapAreRefused() throws {
    let inner = Array(small[8...])
    let bytes = [UInt8](repeating: 7, count: 8) + collection(object(1, Array("ab".utf8)) + object(5, inner))
    try withTexts(bytes) { (texts) throws in
      for _ in 0..<9 { #expect(try texts.text(2, in: 8, 1) == Array("ab".utf8)) }
      let damage = try #require(throws: StoredTexts.Damage.self) { _ = try texts.text(2, in: 64, 1) }
      #expect(damage.description == "expected collections that lie apart, found 280 bytes of them")
    }
  }

  /// The library reads what lies in memory behind a collection's objects, with which a child may come through.
  @Test func aNumberBeyondTheCollectionIsNoCrash() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: TestFiles.package("Tests/Fixtures/trace.h5")))
    // The reference to the text of 13 bytes that is number 1 of the collection at 2048.
    let reference = Data([13, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    let found = try #require(bytes.range(of: reference))
    bytes[found.upperBound - 4] = 12
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      try bytes.write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: HDF5Error.self) {
        _ = try HDF5File.open(path).root().attribute("format")
      }
      if case .failed(_, _, let action, let reason) = error {
        #expect(action == "read the attribute format")
        #expect(reason == "expected a text of number 12 in the collection at 2048, found none")
      } else if case .harmful = error {
      } else {
        Issue.record("\(error)")
      }
    }
  }

  private func withTexts(_ bytes: [UInt8], _ body: (StoredTexts) throws -> Void) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/texts"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      try body(StoredTexts(MappedFile(path: path), base: 0, addressSize: 8, lengthSize: 8))
    }
  }
}
