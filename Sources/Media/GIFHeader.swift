// What stands in a GIF before the pixels of its first picture.
// Source: CompuServe, GIF89a Specification, sections 18 to 23; Pillow's GifImagePlugin.py (what is not drawn).

/// The first picture of a GIF: where it lies on the canvas and what colours it has.
struct GIFHeader {
  /// Pixels per row of the canvas.
  let width: Int
  /// Rows of the canvas.
  let height: Int
  /// The columns and rows that the first picture has pixels for.
  let columns: Range<Int>
  let rows: Range<Int>
  /// Red, green and blue of every colour.
  private let palette: [UInt8]
  /// The colour's number that stands for transparency, if one does.
  let transparency: Int?
  /// Whether more pictures follow.
  let isAnimation: Bool

  /// Reads a file as far as the first picture ends; nil where it breaks off before.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = ByteReader(bytes: bytes, place: 6)
    guard let width = reader.word(), let height = reader.word(), let flags = reader.byte(), reader.skip(2),
      let global = reader.palette(flags)
    else { return nil }
    var transparency: Int?
    while true {
      guard let block = reader.byte() else { return nil }
      if block == 0x21 {
        guard let label = reader.byte() else { return nil }
        if label == 0xF9, let size = reader.peek(0), size >= 4, let flags = reader.peek(1),
          let index = reader.peek(4)
        {
          transparency = flags & 1 == 1 ? Int(index) : nil
        }
        guard reader.skipBlocks() else { return nil }
      } else if block == 0x2C {
        break
      } else {
        return nil
      }
    }
    guard let left = reader.word(), let top = reader.word(), let columns = reader.word(),
      let rows = reader.word(), let flags = reader.byte(), let local = reader.palette(flags), reader.skip(1),
      reader.skipBlocks()
    else { return nil }
    (self.width, self.height, self.transparency) = (width, height, transparency)
    (self.columns, self.rows) = (left..<left + columns, top..<top + rows)
    palette = local.isEmpty ? global : local
    isAnimation = reader.peek(0) != 0x3B && reader.peek(0) != nil
  }

  /// What Pillow shows where nothing is drawn: the colour that stands for transparency, or the first.
  var groundColour: (red: UInt8, green: UInt8, blue: UInt8) {
    let place = 3 * (transparency ?? 0)
    guard place + 2 < palette.count else { return (0, 0, 0) }
    return (palette[place], palette[place + 1], palette[place + 2])
  }
}

/// Reads numbers one after another.
private struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  var place: Int

  func peek(_ offset: Int) -> UInt8? { place + offset < bytes.count ? bytes[place + offset] : nil }

  mutating func byte() -> UInt8? {
    guard let byte = peek(0) else { return nil }
    place += 1
    return byte
  }

  /// Two bytes, the lower first.
  mutating func word() -> Int? {
    guard let low = byte(), let high = byte() else { return nil }
    return Int(low) | Int(high) << 8
  }

  mutating func skip(_ count: Int) -> Bool {
    place += count
    return place <= bytes.count
  }

  /// The table of colours that a byte of flags announces; empty where it announces none.
  mutating func palette(_ flags: UInt8) -> [UInt8]? {
    guard flags & 0x80 != 0 else { return [] }
    let start = place
    return skip(3 << (Int(flags & 7) + 1)) ? Array(bytes[start..<place]) : nil
  }

  /// Goes past blocks that each say how long they are, to the end of the last.
  mutating func skipBlocks() -> Bool {
    while let count = byte() {
      if count == 0 { return true }
      place += Int(count)
    }
    return false
  }
}
