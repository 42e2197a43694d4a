// BMP, GIF and the portable pixmaps of Netpbm through FFmpeg's decoders, brought to 8-bit RGB as Pillow does it.
// Source: Pillow's BmpImagePlugin.py, GifImagePlugin.py, PpmImagePlugin.py and Unpack.c.

internal import CFFmpeg

/// Decodes single pictures with one of FFmpeg's decoders.
enum StillDecoder {
  /// Which decoder.
  enum Codec {
    case bmp, gif, portablePixmap

    var name: String {
      switch self {
      case .bmp: "BMP"
      case .gif: "GIF"
      case .portablePixmap: "PPM"
      }
    }

    /// FFmpeg tells pixmaps apart by their header, whichever of its decoders is asked.
    var identifier: AVCodecID {
      switch self {
      case .bmp: AV_CODEC_ID_BMP
      case .gif: AV_CODEC_ID_GIF
      case .portablePixmap: AV_CODEC_ID_PPM
      }
    }
  }

  /// The picture in a file; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`, `.tooLarge`.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, as codec: Codec, path: String, range: SampleRange
  ) throws(MediaError) -> Picture {
    try withPixels(bytes, codec, path: path) { reader in
      let deep = reader.deepSamples
      var notes = reader.notes
      let pixels: [UInt8]
      if let deep, case .fixed(let black, let white) = range {
        pixels = deep.pixels(black: black, white: white)
        notes.append(DeepSamples.rangeNote(bits: 16, black: black, white: white))
      } else {
        pixels = reader.rgb
        if let deep {
          notes.append(
            deep.channels == 1
              ? deep.clippingNote(bits: 16) : "16-bit samples rounded to 8 bits, as Pillow does")
        } else {
          notes += range.ignoredNotes
        }
      }
      return Picture(width: reader.width, height: reader.height, pixels: pixels, notes: notes)
    }
  }

  /// The first picture of a GIF; `path` is for errors.
  ///
  /// - Throws: What `decode` throws.
  static func decodeGIF(
    _ bytes: UnsafeRawBufferPointer, path: String, range: SampleRange
  ) throws(MediaError) -> Picture {
    guard let header = GIFHeader(bytes) else {
      throw .corrupt(path: path, reason: "the GIF file is truncated or damaged")
    }
    try Picture.checkSize(width: header.width, height: header.height, bytes: bytes.count, path: path)
    return try withPixels(bytes, .gif, path: path) { reader in
      let pixels = reader.rgb(ground: header.groundColour, columns: header.columns, rows: header.rows)
      var notes = ["palette of 8 bits expanded to RGB"]
      if header.transparency != nil { notes.append("transparency dropped") }
      if header.isAnimation { notes.append("the first picture of an animation") }
      return Picture(
        width: reader.width, height: reader.height, pixels: pixels, notes: notes + range.ignoredNotes)
    }
  }

  /// The least and the largest sample of a file of more than eight bits; nil for any other.
  ///
  /// - Throws: What `decode` throws.
  static func deepSpan(
    _ bytes: UnsafeRawBufferPointer, as codec: Codec, path: String
  ) throws(MediaError) -> ClosedRange<Double>? {
    try withPixels(bytes, codec, path: path) { $0.deepSamples?.span }
  }

  /// Calls `body` with the pixels of a file, which don't outlive the call.
  private static func withPixels<Result>(
    _ bytes: UnsafeRawBufferPointer, _ codec: Codec, path: String, _ body: (StillPixels) -> Result
  ) throws(MediaError) -> Result {
    if let (width, height) = claimedSize(bytes, codec) {
      try Picture.checkSize(width: width, height: height, bytes: bytes.count, path: path)
    }
    var frame = try frame(bytes, codec, path: path)
    defer { cffmpeg_av_frame_free(&frame) }
    guard let frame else { throw .corrupt(path: path, reason: "the \(codec.name) file can't be decoded") }
    try Picture.checkSize(
      width: Int(frame.pointee.width), height: Int(frame.pointee.height), bytes: bytes.count, path: path)
    guard let pixels = StillPixels(frame) else {
      let name =
        cffmpeg_av_get_pix_fmt_name(AVPixelFormat(rawValue: frame.pointee.format))
        .map { String(cString: $0) } ?? "unknown"
      throw .unsupportedKind(
        path: path, found: "a \(codec.name) of pixels of the format \(name); save it as PNG")
    }
    return body(pixels)
  }

  /// The size that a file's header tells; nil where it has to be decoded to be known.
  private static func claimedSize(
    _ bytes: UnsafeRawBufferPointer, _ codec: Codec
  ) -> (width: Int, height: Int)? {
    switch codec {
    case .gif: return nil
    case .bmp:
      guard bytes.count >= 26 else { return nil }
      func number(_ place: Int) -> Int32 {
        Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self))
      }
      // The first version's header, of twelve bytes, has sizes of two bytes. Rows from the top down are a negative number.
      guard number(14) > 12 else { return nil }
      return (Int(number(18)), abs(Int(number(22))))
    case .portablePixmap:
      let head = String(decoding: bytes.prefix(4096).map { $0 < 0x80 ? $0 : 0 }, as: UTF8.self)
      let words = head.split(whereSeparator: \.isNewline)
        .flatMap { $0.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace) }
      guard words.count > 2, let width = Int(words[1]), let height = Int(words[2]) else { return nil }
      return (width, height)
    }
  }

  /// A decoded frame, to be freed by the caller; nil where the data can't be decoded.
  private static func frame(
    _ bytes: UnsafeRawBufferPointer, _ codec: Codec, path: String
  ) throws(MediaError) -> UnsafeMutablePointer<AVFrame>? {
    if let problem = ffmpegProblem { throw .corrupt(path: path, reason: problem) }
    cffmpeg_av_log_set_level(cffmpeg_quiet())
    guard let decoder = cffmpeg_avcodec_find_decoder(codec.identifier) else {
      throw .unsupportedKind(path: path, found: "a \(codec.name) picture, which this FFmpeg has no decoder for")
    }
    var context = cffmpeg_avcodec_alloc_context3(decoder)
    var packet = cffmpeg_av_packet_alloc()
    var frame = cffmpeg_av_frame_alloc()
    defer {
      cffmpeg_avcodec_free_context(&context)
      cffmpeg_av_packet_free(&packet)
    }
    guard let context, let packet, let decoded = frame else { return nil }
    context.pointee.max_pixels = Int64(Picture.pixelLimit)
    guard cffmpeg_avcodec_open2(context, decoder, nil) >= 0,
      cffmpeg_av_new_packet(packet, Int32(clamping: bytes.count)) >= 0, let target = packet.pointee.data,
      let source = bytes.baseAddress
    else {
      cffmpeg_av_frame_free(&frame)
      return nil
    }
    UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
    guard cffmpeg_avcodec_send_packet(context, packet) >= 0,
      cffmpeg_avcodec_receive_frame(context, decoded) >= 0
    else {
      cffmpeg_av_frame_free(&frame)
      return nil
    }
    return decoded
  }
}

/// The pixels of a frame in one of the few formats that these decoders give.
private struct StillPixels {
  let width: Int
  let height: Int
  private let frame: AVFrame
  private let format: AVPixelFormat
  private let start: UnsafePointer<UInt8>

  private static let known: [AVPixelFormat] = [
    AV_PIX_FMT_PAL8, AV_PIX_FMT_GRAY8, AV_PIX_FMT_MONOWHITE, AV_PIX_FMT_MONOBLACK, AV_PIX_FMT_BGR24,
    AV_PIX_FMT_RGB24, AV_PIX_FMT_BGRA, AV_PIX_FMT_BGR0, AV_PIX_FMT_RGB555LE, AV_PIX_FMT_RGB565LE,
    AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGB48LE, AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_GRAY16LE,
  ]

  init?(_ frame: UnsafePointer<AVFrame>) {
    self.frame = frame.pointee
    (width, height) = (Int(frame.pointee.width), Int(frame.pointee.height))
    format = AVPixelFormat(rawValue: frame.pointee.format)
    guard Self.known.contains(format), let start = frame.pointee.data.0 else { return nil }
    self.start = UnsafePointer(start)
  }

  /// What was made of the pixels.
  var notes: [String] {
    switch format {
    case AV_PIX_FMT_PAL8: ["palette of 8 bits expanded to RGB"]
    case AV_PIX_FMT_GRAY8: ["8-bit greyscale repeated as RGB"]
    case AV_PIX_FMT_MONOWHITE, AV_PIX_FMT_MONOBLACK: ["1-bit greyscale repeated as RGB"]
    case AV_PIX_FMT_BGRA: ["alpha dropped"]
    default: []
    }
  }

  /// How many channels of sixteen bits there are; 0 for other formats.
  private var deepChannels: Int {
    switch format {
    case AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_GRAY16LE: 1
    case AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGB48LE: 3
    default: 0
    }
  }

  private var isBigEndian: Bool { format == AV_PIX_FMT_GRAY16BE || format == AV_PIX_FMT_RGB48BE }

  /// The samples of sixteen bits; nil for other formats.
  var deepSamples: DeepSamples? {
    guard deepChannels > 0 else { return nil }
    let channels = deepChannels
    let samples = made(channels) { row, x, channel in
      Double(word(row + 2 * (channels * x + channel), isBig: isBigEndian))
    }
    return DeepSamples(samples: samples, channels: channels)
  }

  /// Interleaved red, green and blue.
  var rgb: [UInt8] {
    switch format {
    case AV_PIX_FMT_RGB24: return made { row, x, channel in row[3 * x + channel] }
    case AV_PIX_FMT_BGR24: return made { row, x, channel in row[3 * x + 2 - channel] }
    case AV_PIX_FMT_BGRA, AV_PIX_FMT_BGR0: return made { row, x, channel in row[4 * x + 2 - channel] }
    case AV_PIX_FMT_GRAY8: return made { row, x, _ in row[x] }
    case AV_PIX_FMT_MONOWHITE, AV_PIX_FMT_MONOBLACK:
      let isWhite: UInt8 = format == AV_PIX_FMT_MONOBLACK ? 1 : 0
      return made { row, x, _ in row[x / 8] >> UInt8(7 - x % 8) & 1 == isWhite ? 255 : 0 }
    case AV_PIX_FMT_RGB555LE:
      return made { row, x, channel in
        UInt8((Int(word(row + 2 * x, isBig: false)) >> (10 - 5 * channel) & 31) * 255 / 31)
      }
    case AV_PIX_FMT_RGB565LE:
      return made { row, x, channel in
        let (shift, levels) = channel == 0 ? (11, 31) : channel == 1 ? (5, 63) : (0, 31)
        return UInt8((Int(word(row + 2 * x, isBig: false)) >> shift & levels) * 255 / levels)
      }
    case AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_GRAY16LE:
      return made { row, x, _ in UInt8(min(255, word(row + 2 * x, isBig: isBigEndian))) }
    case AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGB48LE:
      return made { row, x, channel in
        let sample = Double(word(row + 6 * x + 2 * channel, isBig: isBigEndian))
        return UInt8((sample / 65535 * 255).rounded(.toNearestOrEven))
      }
    default:
      guard let palette = frame.data.1 else { return [] }
      return made { row, x, channel in palette[4 * Int(row[x]) + 2 - channel] }
    }
  }

  /// Interleaved red, green and blue of a picture with alpha that covers some columns and rows: elsewhere, and where it is
  /// transparent, there is ground.
  func rgb(
    ground: (red: UInt8, green: UInt8, blue: UInt8), columns: Range<Int>, rows: Range<Int>
  ) -> [UInt8] {
    let ground = [ground.red, ground.green, ground.blue]
    var pixels = made { _, _, channel in ground[channel] }
    for y in rows.clamped(to: 0..<height) {
      let row = row(y)
      for x in columns.clamped(to: 0..<width) where row[4 * x + 3] != 0 {
        for channel in 0..<3 { pixels[3 * (width * y + x) + channel] = row[4 * x + 2 - channel] }
      }
    }
    return pixels
  }

  private func row(_ y: Int) -> UnsafePointer<UInt8> { start + y * Int(frame.linesize.0) }

  /// Some channels of every pixel, each by its row's bytes, its column and its channel.
  private func made<Element>(
    _ channels: Int = 3, _ element: (UnsafePointer<UInt8>, Int, Int) -> Element
  ) -> [Element] {
    let count = channels * width * height
    return [Element](unsafeUninitializedCapacity: count) { elements, initialized in
      guard var place = elements.baseAddress else { return }
      for y in 0..<height {
        let row = row(y)
        for x in 0..<width {
          for channel in 0..<channels {
            place.initialize(to: element(row, x, channel))
            place += 1
          }
        }
      }
      initialized = count
    }
  }

  private func word(_ place: UnsafePointer<UInt8>, isBig: Bool) -> UInt16 {
    isBig ? UInt16(place[0]) << 8 | UInt16(place[1]) : UInt16(place[1]) << 8 | UInt16(place[0])
  }
}
