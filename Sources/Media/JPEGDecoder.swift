// JPEG through TurboJPEG, set up to give the very pixels that Pillow gives.
// Source: Pillow's JpegImagePlugin.py and JpegDecode.c (what is asked of libjpeg), Convert.c (CMYK to RGB).

internal import CJPEG

/// Decodes JPEG files.
enum JPEGDecoder {
  /// The picture in a JPEG file; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind` or `.tooLarge`.
  static func decode(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> Picture {
    guard let header = JPEGHeader(bytes) else {
      throw .corrupt(path: path, reason: "the JPEG file ends or breaks off before its first scan")
    }
    guard header.precision == 8 else {
      throw .unsupportedKind(path: path, found: "a JPEG of \(header.precision) bits per sample, not 8")
    }
    guard [1, 3, 4].contains(header.components) else {
      throw .unsupportedKind(
        path: path, found: "a JPEG of \(header.components) colour components, not 1, 3 or 4")
    }
    // A block of 8 × 8 takes a bit at least, unless it is coded arithmetically.
    try Picture.checkSize(
      width: header.width, height: header.height, bytes: bytes.count,
      mostPixels: header.isArithmetic ? 8192 : 2048, path: path)

    var notes: [String] = []
    var pixels: [UInt8]
    if header.components == 4 {
      pixels = rgb(fromInvertedCMYK: try decompress(bytes, header, TJPF_CMYK, &notes, path: path))
      notes.append("CMYK converted to RGB without its colour profile")
    } else {
      pixels = try decompress(bytes, header, TJPF_RGB, &notes, path: path)
      if header.components == 1 { notes.append("greyscale repeated as RGB") }
    }
    if let orientation = header.orientation { notes.append(EXIFOrientation.note(orientation)) }
    return Picture(width: header.width, height: header.height, pixels: pixels, notes: notes)
  }

  /// All pixels in TurboJPEG's `format`. Like Pillow it bears with damage inside the data, which becomes a note,
  /// but not with a file that ends too early.
  private static func decompress(
    _ bytes: UnsafeRawBufferPointer, _ header: JPEGHeader, _ format: TJPF, _ notes: inout [String], path: String
  ) throws(MediaError) -> [UInt8] {
    guard let handle = tjInitDecompress() else {
      throw .corrupt(path: path, reason: "the JPEG decoder could not be started")
    }
    defer { tjDestroy(handle) }
    let channels = format == TJPF_CMYK ? 4 : 3
    var pixels = [UInt8](repeating: 0, count: header.width * header.height * channels)

    /// TurboJPEG's complaint, if any. Fancy upsampling is on unless switched off; the scan limit stops small files
    /// that take hours to decode.
    func complaint(_ flags: Int32) -> String? {
      let status = tjDecompress2(
        handle, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, UInt(bytes.count), &pixels,
        Int32(header.width), 0, Int32(header.height), Int32(format.rawValue),
        TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS | flags)
      return status == 0 ? nil : String(cString: tjGetErrorStr2(handle))
    }

    guard let first = complaint(TJFLAG_STOPONWARNING) else { return pixels }
    // Going on, a decoding that reaches its end complains of its first warning again, and one that gives up says
    // why: the error code alone does not tell them apart.
    let last = complaint(0) ?? first
    guard last == first, tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) else {
      throw .corrupt(path: path, reason: last)
    }
    guard hasEndMarker(bytes, after: header.scanOffset) else {
      throw .corrupt(path: path, reason: "the JPEG file is truncated (\(first))")
    }
    notes.append("damage inside the JPEG data ignored (\(first))")
    return pixels
  }

  /// Whether an end-of-image marker follows the first scan; compressed data never looks like one.
  private static func hasEndMarker(_ bytes: UnsafeRawBufferPointer, after start: Int) -> Bool {
    var offset = bytes.count - 2
    while offset >= start {
      if bytes[offset] == 0xFF, bytes[offset + 1] == 0xD9 { return true }
      offset -= 1
    }
    return false
  }

  /// RGB from inks stored inverted, as Adobe writes them and Pillow takes all four-component files to be:
  /// each colour is white less black, less the share of the ink in it, rounded to 8 bits.
  private static func rgb(fromInvertedCMYK inks: [UInt8]) -> [UInt8] {
    let count = inks.count / 4
    return [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, initialized in
      for pixel in 0..<count {
        let light = Int(inks[4 * pixel + 3])
        for channel in 0..<3 {
          let product = (255 - Int(inks[4 * pixel + channel])) * light + 128
          rgb[3 * pixel + channel] = UInt8(light - ((product >> 8) + product) >> 8)
        }
      }
      initialized = count * 3
    }
  }
}

/// The frame header of a JPEG file and the metadata beside it: what stands before its first scan.
/// Source: ITU-T T.81, annex B (markers); the Adobe and EXIF application segments.
struct JPEGHeader {
  /// Bits per sample.
  var precision = 0
  /// Pixels per row.
  var width = 0
  /// Rows.
  var height = 0
  /// Colour components: 1 grey, 3 colour, 4 inks.
  var components = 0
  /// Whether coefficients are coded arithmetically rather than by Huffman's codes.
  var isArithmetic = false
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
        isArithmetic = marker > 0xC8
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
