/// Little-endian numbers at checked offsets of a run of bytes that somebody else keeps alive.
struct ByteView {
  let bytes: UnsafeRawBufferPointer

  var count: Int { bytes.count }

  /// The number at `offset`, or nil where it would not fit.
  func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self, at offset: Int) -> Number? {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return nil }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  /// The bytes of a range, or nil where it leaves the file.
  func slice(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// Whether `text` stands at `offset`.
  func has(_ text: String, at offset: Int) -> Bool {
    guard let slice = slice(at: offset, count: text.utf8.count) else { return false }
    return slice.elementsEqual(text.utf8)
  }
}
