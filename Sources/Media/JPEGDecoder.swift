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
    try Picture.checkSize(width: header.width, height: header.height, path: path)

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
