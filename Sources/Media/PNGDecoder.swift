// PNG through libspng, reduced to 8-bit RGB as Pillow reduces it.
// Source: Pillow's PngImagePlugin.py (modes), Unpack.c (16-bit colour), Convert.c (16-bit greyscale).

internal import CPNG
import Masks

/// Decodes PNG files.
enum PNGDecoder {
  /// The picture in a PNG file; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt` or `.tooLarge`.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, path: String, range: SampleRange
  ) throws(MediaError) -> Picture {
    func check(_ status: Int32) throws(MediaError) { try PNGDecoder.check(status, path: path) }
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    let (width, height) = (Int(header.width), Int(header.height))

    let isDeepGrey = header.bit_depth == 16 && header.color_type == UInt8(SPNG_COLOR_TYPE_GRAYSCALE.rawValue)
    let pixels: [UInt8]
    var conversion: String?
    if case .fixed(let black, let white) = range, header.bit_depth == 16 {
      pixels = try deepSamples(context, header, path: path).pixels(black: black, white: white)
      conversion = DeepSamples.rangeNote(bits: 16, black: black, white: white)
    } else if isDeepGrey {
      var samples = [UInt16](repeating: 0, count: width * height)
      try check(spng_decode_image(context, &samples, samples.count * 2, Int32(SPNG_FMT_PNG.rawValue), 0))
      pixels = rgb(clipping: samples)
      conversion = DeepSamples.clippingNote(bits: 16, clips: samples.contains { $0 > 255 })
    } else {
      var decoded = [UInt8](repeating: 0, count: width * height * 3)
      try check(spng_decode_image(context, &decoded, decoded.count, Int32(SPNG_FMT_RGB8.rawValue), 0))
      pixels = decoded
      if header.bit_depth == 16 { conversion = "16-bit samples cut to their upper 8 bits, as Pillow does" }
    }
    return Picture(
      width: width, height: height, pixels: pixels,
      notes: notes(header, context, conversion) + (header.bit_depth == 16 ? [] : range.ignoredNotes))
  }

  /// The least and the largest sample of a PNG of more than eight bits; nil for any other.
  ///
  /// - Throws: `MediaError.corrupt` or `.tooLarge`.
  static func deepSpan(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(MediaError) -> ClosedRange<Double>? {
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    return header.bit_depth == 16 ? try deepSamples(context, header, path: path).span : nil
  }

  private static func deepSamples(
    _ context: OpaquePointer, _ header: spng_ihdr, path: String
  ) throws(MediaError) -> DeepSamples {
    let count = Int(header.width) * Int(header.height)
    var rgba = [UInt16](repeating: 0, count: 4 * count)
    try check(
      spng_decode_image(context, &rgba, rgba.count * 2, Int32(SPNG_FMT_RGBA16.rawValue), 0), path: path)
    let channels = header.color_type & 2 == 0 ? 1 : 3
    let samples = (0..<count).flatMap { pixel in (0..<channels).map { Double(rgba[4 * pixel + $0]) } }
    return DeepSamples(samples: samples, channels: channels)
  }

  /// The pixels as red, green, blue and alpha, of 8 bits each, with what the file says is transparent.
  ///
  /// - Throws: `MediaError.corrupt` or `.tooLarge`.
  static func decodeRGBA(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(MediaError) -> (width: Int, height: Int, rgba: [UInt8]) {
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    let (width, height) = (Int(header.width), Int(header.height))
    var rgba = [UInt8](repeating: 0, count: width * height * 4)
    try check(
      spng_decode_image(
        context, &rgba, rgba.count, Int32(SPNG_FMT_RGBA8.rawValue), Int32(SPNG_DECODE_TRNS.rawValue)),
      path: path)
    return (width, height, rgba)
  }

  /// How a PNG holds its samples.
  struct Form {
    let bits: Int
    let isIndexed: Bool
    let isGrey: Bool
    /// The palette's colours.
    let palette: [OverlayColor]
    /// Whether some of it may be transparent.
    let hasAlpha: Bool
  }

  /// How a PNG holds its samples.
  ///
  /// - Throws: `MediaError.corrupt` or `.tooLarge`.
  static func form(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> Form {
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    var palette = spng_plte()
    var colors: [OverlayColor] = []
    if spng_get_plte(context, &palette) == 0 {
      colors = withUnsafeBytes(of: &palette.entries) { entries in
        entries.bindMemory(to: spng_plte_entry.self).prefix(Int(palette.n_entries)).map {
          OverlayColor(red: $0.red, green: $0.green, blue: $0.blue)
        }
      }
    }
    var transparency = spng_trns()
    return Form(
      bits: Int(header.bit_depth), isIndexed: header.color_type == UInt8(SPNG_COLOR_TYPE_INDEXED.rawValue),
      isGrey: header.color_type == UInt8(SPNG_COLOR_TYPE_GRAYSCALE.rawValue), palette: colors,
      hasAlpha: header.color_type & 4 != 0 || spng_get_trns(context, &transparency) == 0)
  }

  /// The samples themselves of an indexed PNG, or one of greys of 1 or 8 bits; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.tooLarge`, `.unsupportedKind`.
  static func decodeLabels(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> LabelMap {
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    let isIndexed = header.color_type == UInt8(SPNG_COLOR_TYPE_INDEXED.rawValue)
    let isGrey = header.color_type == UInt8(SPNG_COLOR_TYPE_GRAYSCALE.rawValue)
    guard isIndexed || isGrey && [1, 8].contains(header.bit_depth) else {
      let kind = isGrey ? "greys of \(header.bit_depth) bits" : "colours"
      throw .unsupportedKind(
        path: path,
        found: "a PNG of \(kind), where an indexed or greyscale one of 1, 8 or 16 bits holds object numbers")
    }
    let (width, height, depth) = (Int(header.width), Int(header.height), Int(header.bit_depth))
    // Smaller samples are packed, the first in the highest bits; every row begins a byte.
    let rowBytes = (width * depth + 7) / 8
    var packed = [UInt8](repeating: 0, count: rowBytes * height)
    try check(
      spng_decode_image(context, &packed, packed.count, Int32(SPNG_FMT_PNG.rawValue), 0), path: path)
    if depth == 8 { return LabelMap(width: width, height: height, labels: packed) }
    let labels = (0..<width * height).map { place in
      let (y, x) = place.quotientAndRemainder(dividingBy: width)
      let byte = packed[y * rowBytes + x * depth / 8]
      return byte >> UInt8(8 - depth - x * depth % 8) & UInt8(1 << depth - 1)
    }
    return LabelMap(width: width, height: height, labels: labels)
  }

  /// The samples themselves of a 16-bit greyscale PNG; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.tooLarge`.
  static func decodeDeepLabels(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(MediaError) -> LabelRaster {
    let context = try context(of: bytes, path: path)
    defer { spng_ctx_free(context) }
    let header = try header(of: context, bytes: bytes.count, path: path)
    let (width, height) = (Int(header.width), Int(header.height))
    var labels = [UInt16](repeating: 0, count: width * height)
    try check(
      spng_decode_image(context, &labels, 2 * labels.count, Int32(SPNG_FMT_PNG.rawValue), 0), path: path)
    return LabelRaster(width: width, height: height, labels: labels)
  }

  /// A decoder of the given bytes, which the caller frees.
  private static func context(
    of bytes: UnsafeRawBufferPointer, path: String
  ) throws(MediaError) -> OpaquePointer {
    guard let context = spng_ctx_new(0) else {
      throw .corrupt(path: path, reason: "the PNG decoder could not be started")
    }
    // Metadata is not needed, so little of it is let in.
    for status in [
      spng_set_png_buffer(context, bytes.baseAddress, bytes.count),
      spng_set_chunk_limits(context, 1 << 26, 1 << 27),
    ] where status != 0 {
      spng_ctx_free(context)
      throw .corrupt(path: path, reason: reason(status))
    }
    return context
  }

  /// The header of a file of so many bytes, which its size has been held against.
  private static func header(
    of context: OpaquePointer, bytes: Int, path: String
  ) throws(MediaError) -> spng_ihdr {
    var header = spng_ihdr()
    try check(spng_get_ihdr(context, &header), path: path)
    let (width, height) = (Int(header.width), Int(header.height))
    try Picture.checkSize(width: width, height: height, bytes: bytes, path: path)
    // A byte of deflated data stands for 1,032 at most. What is small may be short, to be told where it breaks off.
    let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][Int(header.color_type)] ?? 1
    let stored = (width * channels * Int(header.bit_depth) + 7) / 8 * height
    guard stored <= max(1 << 24, 1032 * bytes) else {
      throw .emptyClaim(path: path, width: width, height: height, bytes: bytes)
    }
    return header
  }

  private static func check(_ status: Int32, path: String) throws(MediaError) {
    guard status == 0 else { throw .corrupt(path: path, reason: reason(status)) }
  }

  /// 16-bit greyscale as Pillow reduces it: whatever exceeds 255 becomes white.
  private static func rgb(clipping samples: [UInt16]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: samples.count * 3) { rgb, initialized in
      for (index, sample) in samples.enumerated() {
        let grey = UInt8(min(sample, 255))
        for channel in 0..<3 { rgb[3 * index + channel] = grey }
      }
      initialized = samples.count * 3
    }
  }

  /// What was converted and dropped.
  private static func notes(
    _ header: spng_ihdr, _ context: OpaquePointer, _ conversion: String?
  ) -> [String] {
    var notes: [String] = []
    switch spng_color_type(UInt32(header.color_type)) {
    case SPNG_COLOR_TYPE_GRAYSCALE where header.bit_depth == 16: break
    case SPNG_COLOR_TYPE_GRAYSCALE: notes.append("\(header.bit_depth)-bit greyscale repeated as RGB")
    case SPNG_COLOR_TYPE_INDEXED: notes.append("palette of \(header.bit_depth) bits expanded to RGB")
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      notes.append("\(header.bit_depth)-bit greyscale repeated as RGB")
      notes.append("alpha dropped")
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA: notes.append("alpha dropped")
    default: break
    }
    if let conversion { notes.append(conversion) }
    var transparency = spng_trns()
    if spng_get_trns(context, &transparency) == 0 { notes.append("transparency dropped") }
    var exif = spng_exif()
    if spng_get_exif(context, &exif) == 0,
      let orientation = EXIFOrientation.find(
        inTIFF: UnsafeRawBufferPointer(start: exif.data, count: exif.length))
    {
      notes.append(EXIFOrientation.note(orientation))
    }
    return notes
  }

  /// libspng's words for a status, in ours where a file simply ends too early.
  private static func reason(_ status: Int32) -> String {
    switch spng_errno(numericCast(status)) {
    case SPNG_IO_EOF, SPNG_EIDAT_TOO_SHORT: "the PNG file is truncated"
    default: String(cString: spng_strerror(status))
    }
  }
}
