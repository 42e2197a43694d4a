// What stands in a JPEG 2000 file before its samples: sizes, and a palette's colours.
// Source: ITU-T T.800, A.5.1 (SIZ) and annex I (boxes); Pillow's Jpeg2KImagePlugin.py (which palettes count).

/// The sizes that a codestream's header tells.
struct CodestreamSize {
  let width: Int
  let height: Int
  let components: Int
  let tileCount: Int
  /// Whether the wavelets are those that give samples back exactly, where no bits are left out.
  let isReversible: Bool

  /// Reads the first segment of the codestream, which in a JP2 file stands in a box of its own; nil where there is none.
  init?(_ bytes: UnsafeRawBufferPointer, isCodestream: Bool) {
    var reader = BigEndianReader(bytes: bytes, place: 0)
    if !isCodestream {
      guard let box = ISOBoxes(in: bytes, 0..<bytes.count).first(where: { $0.kind == "jp2c" }) else {
        return nil
      }
      reader.place = box.content.lowerBound
    }
    guard reader.number(2) == 0xFF4F, reader.number(2) == 0xFF51 else { return nil }
    let start = reader.place
    guard let length = reader.number(2), reader.number(2) != nil else { return nil }
    let numbers = (0..<8).compactMap { _ in reader.number(4) }
    guard numbers.count == 8, let components = reader.number(2) else { return nil }
    let (right, bottom, left, top) = (numbers[0], numbers[1], numbers[2], numbers[3])
    let (tileWidth, tileHeight, tileLeft, tileTop) = (numbers[4], numbers[5], numbers[6], numbers[7])
    guard right > left, bottom > top, tileWidth > 0, tileHeight > 0, tileLeft <= left, tileTop <= top,
      components > 0
    else { return nil }
    (width, height) = (right - left, bottom - top)
    self.components = components
    let (tileColumns, tileRows) =
      ((right - tileLeft + tileWidth - 1) / tileWidth, (bottom - tileTop + tileHeight - 1) / tileHeight)
    // More than can be counted are of no picture.
    let (tiles, isBeyond) = tileColumns.multipliedReportingOverflow(by: tileRows)
    guard !isBeyond else { return nil }
    tileCount = tiles
    reader.place = start + length
    isReversible = Self.isReversible(&reader)
  }

  /// What the coding style says, a segment of the header that follows.
  private static func isReversible(_ reader: inout BigEndianReader) -> Bool {
    // A tile's first segment ends the header.
    while let marker = reader.number(2), marker != 0xFF90 {
      let start = reader.place
      guard let length = reader.number(2), length >= 2 else { return false }
      if marker == 0xFF52 {
        reader.place = start + 11
        return reader.number(1) == 1
      }
      reader.place = start + length
    }
    return false
  }
}

/// What a JP2 file's boxes say of colours.
struct JP2Header {
  /// Red, green and blue of every colour, where the first component holds their numbers.
  private(set) var palette: [UInt8]?
  /// The first colour space that is named by its number; nil where there is none.
  private(set) var space: Int?

  /// Of a codestream without boxes.
  init() {}

  /// Reads the boxes; nil where there is no header among them.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let header = ISOBoxes(in: bytes, 0..<bytes.count).first(where: { $0.kind == "jp2h" }) else {
      return nil
    }
    var components = 0
    var isColour = true
    var hasSpace = false
    for box in ISOBoxes(in: bytes, header.content) {
      var reader = BigEndianReader(bytes: bytes, place: box.content.lowerBound, end: box.content.upperBound)
      switch box.kind {
      case "ihdr":
        guard reader.number(4) != nil, reader.number(4) != nil, let count = reader.number(2) else { return nil }
        components = count
      case "colr":
        if reader.number(1) == 1, reader.number(2) != nil, let found = reader.number(4) {
          // One of black and white or of grey has no palette.
          isColour = ![0, 15, 17].contains(found)
          if !hasSpace { space = found }
        }
        hasSpace = true
      case "pclr" where components < 3 && isColour: palette = Self.colours(&reader)
      default: break
      }
    }
  }

  private static func colours(_ reader: inout BigEndianReader) -> [UInt8]? {
    guard let entries = reader.number(2), let columns = reader.number(1), columns >= 3 else { return nil }
    for _ in 0..<columns {
      // Up to eight bits, the number of which is stored less one.
      guard let bits = reader.number(1), bits <= 8 else { return nil }
    }
    var colours: [UInt8] = []
    for _ in 0..<entries {
      for column in 0..<columns {
        guard let value = reader.number(1) else { return nil }
        if column < 3 { colours.append(UInt8(value)) }
      }
    }
    return colours
  }
}
