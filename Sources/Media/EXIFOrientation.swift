// The orientation tag of EXIF metadata, read only to be mentioned: `convert("RGB")` does not apply it.
// Source: EXIF 2.32, 4.6 (TIFF structure) and tag 0x0112.

/// Finds the orientation in EXIF metadata.
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
