// What a JPEG file says about itself before its first scan, and its EXIF orientation.
// Source: ITU-T T.81, annex B (markers); the Adobe and EXIF application segments; EXIF 2.32, 4.6 (TIFF structure).

/// The frame header of a JPEG file and the metadata beside it.
struct JPEGHeader {
  /// Bits per sample.
  var precision = 0
  /// Pixels per row.
  var width = 0
  /// Rows.
  var height = 0
  /// Colour components: 1 grey, 3 colour, 4 inks.
  var components = 0
  /// The EXIF orientation, 2 to 8, or nil.
  var orientation: Int?
  /// Where the first scan begins, in bytes from the start of the file.
  var scanOffset = 0

  /// Walks the marker segments up to the first scan; nil where there is no frame header before it.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var offset = 2
    while let marker = Self.nextMarker(bytes, &offset) {
      if (0xD0...0xD8).contains(marker) || marker == 0x01 { continue }
      guard offset + 2 <= bytes.count else { return nil }
      let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
      guard length >= 2, offset + length <= bytes.count else { return nil }
      let segment = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<offset + length])
      switch marker {
      case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker):
        guard segment.count >= 6 else { return nil }
        precision = Int(segment[0])
        height = Int(segment[1]) << 8 | Int(segment[2])
        width = Int(segment[3]) << 8 | Int(segment[4])
        components = Int(segment[5])
      case 0xE1 where segment.starts(with: "Exif\0\0".utf8):
        orientation =
          EXIFOrientation.find(inTIFF: UnsafeRawBufferPointer(rebasing: segment[6...])) ?? orientation
      case 0xDA:
        scanOffset = offset
        if components == 0 { return nil }
        return
      default: break
      }
      offset += length
    }
    return nil
  }

  /// Moves past the next marker, skipping fill bytes, and returns its second byte.
  private static func nextMarker(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt8? {
    while offset + 1 < bytes.count {
      let (first, second) = (bytes[offset], bytes[offset + 1])
      if first == 0xFF, second != 0x00, second != 0xFF {
        offset += 2
        return second
      }
      offset += 1
    }
    return nil
  }
}

/// The orientation tag, 0x0112, of EXIF metadata, read only to be mentioned: `convert("RGB")` does not apply it.
enum EXIFOrientation {
  /// The orientation, 2 to 8, that a TIFF block asks for; nil where it asks for none, or makes no sense.
  static func find(inTIFF tiff: UnsafeRawBufferPointer) -> Int? {
    guard tiff.count >= 8 else { return nil }
    let isLittle = tiff[0] == 0x49 && tiff[1] == 0x49
    guard isLittle || (tiff[0] == 0x4D && tiff[1] == 0x4D) else { return nil }

    func number(at offset: Int, bytes count: Int) -> Int? {
      guard offset >= 0, offset <= tiff.count - count else { return nil }
      let bytes = tiff[offset..<offset + count]
      return (isLittle ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }

    guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
      let entryCount = number(at: directory, bytes: 2)
    else { return nil }
    for entry in 0..<entryCount {
      let offset = directory + 2 + 12 * entry
      guard let tag = number(at: offset, bytes: 2) else { return nil }
      if tag == 0x0112, number(at: offset + 2, bytes: 2) == 3, let value = number(at: offset + 8, bytes: 2) {
        return (2...8).contains(value) ? value : nil
      }
    }
    return nil
  }

  /// What a picture's notes say about an orientation that was found.
  static func note(_ orientation: Int) -> String {
    "EXIF orientation \(orientation) ignored, as Pillow's convert does"
  }
}
