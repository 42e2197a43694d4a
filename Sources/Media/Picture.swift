// A decoded picture, as Pillow's `Image.open(path).convert("RGB")` gives it.

internal import Files

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

  /// Reads a JPEG or PNG file, told apart by content, with the very pixels that Pillow's `convert("RGB")` gives.
  ///
  /// - Throws: `MediaError.file`, `.unsupportedKind`, `.corrupt` or `.tooLarge`, each naming the file.
  public static func read(path: String) throws(MediaError) -> Picture {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    switch PictureKind(of: file.bytes) {
    case .jpeg: return try JPEGDecoder.decode(file.bytes, path: path)
    case .png: return try PNGDecoder.decode(file.bytes, path: path)
    case .other(let found): throw .unsupportedKind(path: path, found: found)
    }
  }

  /// Writes an 8-bit RGB PNG, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    try PNGEncoder.write(pixels, width: width, height: height, kind: .rgb, path: path)
  }

  /// Refuses sizes that no picture has or that would fill the memory.
  static func checkSize(width: Int, height: Int, path: String) throws(MediaError) {
    guard width > 0, height > 0 else {
      throw .corrupt(path: path, reason: "its header says \(width) × \(height) pixels")
    }
    guard width <= pixelLimit / height else {
      throw .tooLarge(path: path, width: width, height: height, limit: pixelLimit)
    }
  }
}
