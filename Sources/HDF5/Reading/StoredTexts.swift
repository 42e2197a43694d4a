import Files
import Synchronization

/// Texts of any length in an opened file, looked up past the library.
///
/// A file keeps them in collections, and refers to one by the address of its collection and its number there. HDF5 1.10.8
/// holds that number against nothing: what it takes for a text beyond a collection's end is what memory holds there.
/// Source: HDF5 File Format Specification Version 3.0, III.E (global heap), IV.A.2.d (variable-length types).
final class StoredTexts: Sendable {
  private let file: MappedFile
  private let base: UInt64
  private let addressSize: Int
  private let lengthSize: Int
  private let seen = Mutex(Seen())

  /// Where the objects of collections lie, by the collection's address and their number.
  private struct Seen {
    var collections: [UInt64: [UInt32: Range<UInt64>]] = [:]
    /// Bytes of all collections.
    var total: UInt64 = 0
  }

  /// - Parameters:
  ///   - base: Where addresses count from.
  ///   - addressSize: Bytes of an address.
  ///   - lengthSize: Bytes of a length.
  init(_ file: MappedFile, base: UInt64, addressSize: Int, lengthSize: Int) {
    (self.file, self.base, self.addressSize, self.lengthSize) = (file, base, addressSize, lengthSize)
  }

  /// The texts that references lead to, each up to its first zero byte.
  ///
  /// - Throws: `HDF5Error.failed` where one leads nowhere.
  func texts(_ references: [UInt8], _ action: String, _ place: Place) throws(HDF5Error) -> [[UInt8]] {
    // A length in 32 bits, an address, and a number in 32 bits.
    let size = 8 + addressSize
    var texts: [[UInt8]] = []
    for start in stride(from: 0, to: references.count / size * size, by: size) {
      let reference = references[start..<start + size]
      let address = Self.number(reference.dropFirst(4).dropLast(4))
      do throws(Damage) {
        texts.append(
          try text(
            Self.number(reference.prefix(4)), in: address, UInt32(Self.number(reference.suffix(4)))))
      } catch {
        throw .failed(file: place.file, object: place.object, action: action, reason: error.description)
      }
    }
    return texts
  }

  private static func number(_ bytes: some BidirectionalCollection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// What is wrong with a reference or a collection.
  struct Damage: Error, CustomStringConvertible {
    let description: String
  }

  /// `count` bytes at an address; addresses lie within the file, or nothing is there.
  private func bytes(_ count: UInt64, at address: UInt64) throws(Damage) -> UnsafeRawBufferPointer {
    let (start, overflow) = base.addingReportingOverflow(address)
    let fileCount = UInt64(file.bytes.count)
    guard !overflow, start <= fileCount, count <= fileCount - start else {
      throw Damage(
        description: "expected \(count) bytes at the address \(address), found a file of \(fileCount) bytes")
    }
    return UnsafeRawBufferPointer(rebasing: file.bytes[Int(start)..<Int(start + count)])
  }

  /// The text of `count` bytes that a collection has under a number, up to its first zero byte.
  func text(_ count: UInt64, in collection: UInt64, _ number: UInt32) throws(Damage) -> [UInt8] {
    // What was never written has no address.
    guard collection != 0, count > 0 else { return [] }
    guard let object = try objects(of: collection)[number] else {
      throw Damage(
        description: "expected a text of number \(number) in the collection at \(collection), found none")
    }
    guard count <= UInt64(object.count) else {
      throw Damage(description: "expected a text of \(count) bytes, found \(object.count) stored")
    }
    return try bytes(count, at: object.lowerBound).prefix { $0 != 0 }
  }

  private func objects(of address: UInt64) throws(Damage) -> [UInt32: Range<UInt64>] {
    if let known = seen.withLock({ $0.collections[address] }) { return known }
    let header = UInt64(8 + lengthSize)
    let start = try bytes(header, at: address)
    guard start.prefix(5).elementsEqual([0x47, 0x43, 0x4F, 0x4C, 1]) else {
      throw Damage(description: "expected a collection of texts at \(address), found something else")
    }
    let count = Self.number(start[8...])
    _ = try bytes(count, at: address)
    // Collections share no byte, so that together they are no longer than the file.
    let total = seen.withLock { seen -> UInt64 in
      seen.total += count
      return seen.total
    }
    guard total <= UInt64(file.bytes.count) else {
      throw Damage(description: "expected collections that lie apart, found \(total) bytes of them")
    }
    let objects = try objects(from: address + padded(header), to: address + count)
    seen.withLock { $0.collections[address] = objects }
    return objects
  }

  /// Objects follow each other: number, references and length before each one's bytes; number 0 is the room that is left.
  private func objects(from start: UInt64, to end: UInt64) throws(Damage) -> [UInt32: Range<UInt64>] {
    var objects: [UInt32: Range<UInt64>] = [:]
    var position = start
    let header = padded(UInt64(8 + lengthSize))
    while position <= end, header <= end - position {
      let head = try bytes(header, at: position)
      let number = UInt32(Self.number(head[0..<2]))
      guard number > 0 else { break }
      let count = Self.number(head[8..<8 + lengthSize])
      position += header
      guard count <= end - position else {
        throw Damage(
          description: "expected a collection's objects within it, found one of \(count) bytes at \(position)")
      }
      objects[number] = position..<position + count
      position += padded(count)
    }
    return objects
  }

  /// Everything in a collection begins at a multiple of 8 bytes from its start.
  private func padded(_ count: UInt64) -> UInt64 { (count + 7) & ~7 }
}
