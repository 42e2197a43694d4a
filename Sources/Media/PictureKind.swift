// What a file is, by its first bytes.

/// The kinds of file that are told apart by their signature.
enum PictureKind: Equatable {
  case jpeg
  case png
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
      self = .other("a GIF picture")
    } else if text.hasPrefix("BM") {
      self = .other("a BMP picture")
    } else if text.hasPrefix("II*\0") || text.hasPrefix("MM\0*") {
      self = .other("a TIFF picture")
    } else if text.hasPrefix("RIFF"), text.dropFirst(8).hasPrefix("WEBP") {
      self = .other("a WebP picture")
    } else if text.dropFirst(4).hasPrefix("ftyp") {
      self = .other("an ISO media file (HEIC, AVIF or MP4)")
    } else if text.hasPrefix("PK\u{3}\u{4}") {
      self = .other("a zip archive")
    } else if text.hasPrefix("%PDF") {
      self = .other("a PDF document")
    } else {
      let digits = head.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      self = .other("a file that begins with the bytes " + digits.joined(separator: " "))
    }
  }
}
