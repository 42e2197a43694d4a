/// A place in a pickle: reads arguments and never beyond the end.
struct PickleCursor {
  private let bytes: [UInt8]
  /// Bytes read so far.
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  mutating func byte() -> UInt8? {
    guard offset < bytes.count else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// A little-endian number, the argument of `opcode`.
  mutating func integer<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self, of opcode: PickleOpcode
  ) throws(PickleError) -> Number {
    let size = MemoryLayout<Number>.size
    guard remaining >= size else { throw .truncated(opcode: opcode.name, offset: offset) }
    defer { offset += size }
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// A run of bytes whose length, of type `Length`, comes first.
  mutating func run<Length: FixedWidthInteger & UnsignedInteger>(
    _ type: Length.Type, of opcode: PickleOpcode
  ) throws(PickleError) -> ArraySlice<UInt8> {
    let start = offset - 1
    let declared = UInt64(try integer(Length.self, of: opcode))
    guard declared <= UInt64(remaining) else {
      throw .lengthBeyondEnd(opcode: opcode.name, declared: declared, remaining: remaining, offset: start)
    }
    defer { offset += Int(declared) }
    return bytes[offset..<offset + Int(declared)]
  }

  /// UTF-8 text whose length comes first.
  mutating func text<Length: FixedWidthInteger & UnsignedInteger>(
    _ type: Length.Type, of opcode: PickleOpcode
  ) throws(PickleError) -> String {
    let start = offset - 1
    guard let text = String(validating: try run(type, of: opcode), as: UTF8.self) else {
      throw .invalidText(opcode: opcode.name, offset: start)
    }
    return text
  }

  /// Text up to the next line feed.
  mutating func line(of opcode: PickleOpcode) throws(PickleError) -> String {
    guard let end = bytes[offset...].firstIndex(of: 0x0a) else {
      throw .truncated(opcode: opcode.name, offset: offset)
    }
    defer { offset = end + 1 }
    guard let text = String(validating: bytes[offset..<end], as: UTF8.self) else {
      throw .invalidText(opcode: opcode.name, offset: offset)
    }
    return text
  }
}
