// A decoded picture, as Pillow's `Image.open(path).convert("RGB")` gives it.

internal import Files
public import Masks

/// Pixels of 8-bit RGB, row-major from the top left corner.
public struct Picture: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Red, green and blue of every pixel in turn: `height · width · 3` bytes.
  public internal(set) var pixels: [UInt8]
  /// What reading converted, dropped or ignored, one clause each; empty for plain 8-bit RGB.
  public let notes: [String]

  /// Pictures of more pixels are refused: 268 million.
  public static let pixelLimit = 1 << 28

  /// A picture of the given interleaved RGB bytes, of which there must be `height · width · 3`.
  public init(width: Int, height: Int, pixels: [UInt8], notes: [String] = []) {
    precondition(
      pixels.count == width * height * 3, "\(pixels.count) bytes for \(width) × \(height) pixels of RGB")
    self.width = width
    self.height = height
    self.pixels = pixels
    self.notes = notes
  }

  /// Reads a picture file, its kind told by its content, with the very pixels that Pillow's `convert("RGB")` gives.
  ///
  /// - Parameter range: Which samples of a picture of more than eight bits are black and white, if not Pillow's.
  /// - Throws: `MediaError.file`, `.unsupportedKind`, `.corrupt` or `.tooLarge`, each naming the file.
  public static func read(path: String, range: SampleRange = .pillow) throws(MediaError) -> Picture {
    let range = try range.settled { () throws(MediaError) in try deepSpan(path: path) }
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    switch PictureKind(of: file.bytes) {
    case .jpeg: return try JPEGDecoder.decode(file.bytes, path: path).noting(range.ignoredNotes)
    case .png: return try PNGDecoder.decode(file.bytes, path: path, range: range)
    case .tiff:
      let file = try TIFFFile(file.bytes, path: path)
      return try file.picture(0, range: range).noting(Self.pageNotes(file.pageCount))
    case .avif:
      let file = try AVIFFile(file.bytes, path: path)
      return try file.picture(0, range: range).noting(Self.pageNotes(file.pageCount))
    case .jpeg2000: return try JPEG2000File(file.bytes, path: path).picture(range: range)
    case .webp: return try WebPDecoder.decode(file.bytes, path: path).picture.noting(range.ignoredNotes)
    case .bmp: return try StillDecoder.decode(file.bytes, as: .bmp, path: path, range: range)
    case .gif: return try StillDecoder.decodeGIF(file.bytes, path: path, range: range)
    case .portablePixmap:
      return try StillDecoder.decode(file.bytes, as: .portablePixmap, path: path, range: range)
    case .other(let found): throw .unsupportedKind(path: path, found: found)
    }
  }

  private static func pageNotes(_ count: Int) -> [String] {
    count > 1 ? ["page 1 of \(count); track takes all of them as frames"] : []
  }

  /// The picture with more that is to be said of it.
  private func noting(_ more: [String]) -> Picture {
    more.isEmpty ? self : Picture(width: width, height: height, pixels: pixels, notes: notes + more)
  }

  /// The least and the largest sample of a file of more than eight bits; nil for any other.
  ///
  /// - Throws: What `read` throws.
  static func deepSpan(path: String) throws(MediaError) -> ClosedRange<Double>? {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    switch PictureKind(of: file.bytes) {
    case .png: return try PNGDecoder.deepSpan(file.bytes, path: path)
    case .tiff: return try TIFFFile(file.bytes, path: path).deepSpan(0)
    case .portablePixmap: return try StillDecoder.deepSpan(file.bytes, as: .portablePixmap, path: path)
    case .avif: return try AVIFFile(file.bytes, path: path).deepSpan(0)
    case .jpeg2000: return try JPEG2000File(file.bytes, path: path).deepSpan
    case .jpeg, .webp, .bmp, .gif, .other: return nil
    }
  }

  /// Writes an 8-bit RGB PNG, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    try PNGEncoder.write(pixels, width: width, height: height, kind: .rgb, path: path)
  }

  /// A part of the picture, within it.
  public func cropped(to box: PixelBox) -> Picture {
    precondition(
      box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height,
      "\(box) of a picture of \(width) × \(height)")
    if box.width == width, box.height == height { return self }
    var part: [UInt8] = []
    part.reserveCapacity(3 * box.width * box.height)
    for y in box.y..<box.y + box.height {
      let start = 3 * (y * width + box.x)
      part += pixels[start..<start + 3 * box.width]
    }
    return Picture(width: box.width, height: box.height, pixels: part, notes: notes)
  }

  /// Refuses sizes that no picture has, that would fill the memory, or that so few bytes hardly hold.
  ///
  /// - Parameters:
  ///   - bytes: How many the file has.
  ///   - cost: Bytes of memory for a pixel while it is decoded. Pictures that are cheap are taken at their word.
  ///   - mostPixels: How many a byte stands for at most: in a blank PNG of one bit a pixel 8,256.
  static func checkSize(
    width: Int, height: Int, bytes: Int, cost: Int = 4, mostPixels: Int = 8192, path: String
  ) throws(MediaError) {
    guard width > 0, height > 0 else {
      throw .corrupt(path: path, reason: "its header says \(width) × \(height) pixels")
    }
    guard width <= pixelLimit / height else {
      throw .tooLarge(path: path, width: width, height: height, limit: pixelLimit)
    }
    guard
      width * height <= max(cheapBytes / cost, bytes.multipliedReportingOverflow(by: mostPixels).partialValue)
    else { throw .emptyClaim(path: path, width: width, height: height, bytes: bytes) }
  }

  /// What a picture may cost whose file has few bytes for its pixels.
  static let cheapBytes = 1 << 27
}

/// The kinds of file that are told apart by their first bytes.
enum PictureKind: Equatable {
  case jpeg, png, tiff, webp, avif, jpeg2000, bmp, gif, portablePixmap
  /// Anything else, in words fit for an error.
  case other(String)

  /// Looks at the first bytes of a file.
  init(of bytes: UnsafeRawBufferPointer) {
    let head = Array(bytes.prefix(16))
    let text = String(decoding: head.map { $0 < 0x80 ? $0 : 0 }, as: UTF8.self)
    if head.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if head.isEmpty {
      self = .other("an empty file")
    } else if text.hasPrefix("GIF8") {
      self = .gif
    } else if text.hasPrefix("BM") {
      self = .bmp
    } else if ["II*\0", "MM\0*", "II+\0", "MM\0+"].contains(where: text.hasPrefix) {
      self = .tiff
    } else if text.hasPrefix("RIFF"), text.dropFirst(8).hasPrefix("WEBP") {
      self = .webp
    } else if head.count > 2, head[0] == UInt8(ascii: "P"), (0x31...0x36).contains(head[1]),
      [0x20, 0x09, 0x0A, 0x0D, 0x23].contains(head[2])
    {
      self = .portablePixmap
    } else if text.dropFirst(4).hasPrefix("ftyp") {
      self = Self.isAVIF(bytes) ? .avif : .other(Self.isoMedia(brand: text.dropFirst(8).prefix(4)))
    } else if text.dropFirst(4).hasPrefix("jP  ") || head.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) {
      self = .jpeg2000
    } else if text.hasPrefix("PK\u{3}\u{4}") {
      self = .other("a zip archive")
    } else if text.hasPrefix("%PDF") {
      self = .other("a PDF document")
    } else {
      let digits = head.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      self = .other("a file that begins with the bytes " + digits.joined(separator: " "))
    }
  }

  /// Whether the first box names AVIF among the kinds that the file is of.
  private static func isAVIF(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = BigEndianReader(bytes: bytes, place: 0)
    guard let length = reader.number(4), (16...1024).contains(length), length <= bytes.count else {
      return false
    }
    return stride(from: 8, to: length - 3, by: 4).contains { place in
      // Between the brand and those that it goes with there is a version.
      place != 12 && ["avif", "avis"].contains(String(decoding: bytes[place..<place + 4], as: UTF8.self))
    }
  }

  private static func isoMedia(brand: Substring) -> String {
    switch brand {
    case "heic", "heix", "heim", "heis", "mif1", "msf1": "a HEIC picture; save it as PNG"
    default: "an ISO media file (HEIC, AVIF or MP4)"
    }
  }
}

/// Finds the orientation in EXIF metadata, read only to be mentioned: `convert("RGB")` does not apply it.
/// Source: EXIF 2.32, 4.6 (TIFF structure) and tag 0x0112.
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
