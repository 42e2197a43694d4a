// Masks and label maps as files: greyscale PNGs, and DAVIS's indexed ones with their palette.

internal import Files
public import Masks

extension BinaryMask {
  /// Reads a mask from a picture; `MaskFile` says how.
  ///
  /// - Throws: what `MaskFile.read` throws.
  public static func read(path: String) throws(MediaError) -> BinaryMask { try MaskFile.read(path: path).mask }

  /// Writes an 8-bit greyscale PNG, 255 for foreground and 0 for background, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    let grey = pixels.map { $0 &* 255 }
    try PNGEncoder.write(grey, width: width, height: height, kind: .grey, path: path)
  }
}

extension LabelMap {
  /// Reads a PNG whose samples are object numbers: indexed, whatever its palette, or 8-bit greyscale.
  ///
  /// - Throws: `MediaError.file`, `.unsupportedKind` for any other picture, `.corrupt`, `.tooLarge`.
  public static func read(path: String) throws(MediaError) -> LabelMap {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    switch PictureKind(of: file.bytes) {
    case .png: return try PNGDecoder.decodeLabels(file.bytes, path: path)
    case .jpeg: throw .unsupportedKind(path: path, found: "a JPEG picture, which can't hold object numbers")
    case .other(let found): throw .unsupportedKind(path: path, found: found)
    default:
      throw .unsupportedKind(
        path: path, found: "another kind, of which object numbers are taken from PNG alone")
    }
  }

  /// Writes an 8-bit indexed PNG with DAVIS's palette, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    try PNGEncoder.write(labels, width: width, height: height, kind: .indexed, path: path)
  }
}

extension LabelRaster {
  /// Reads a PNG whose samples are object numbers: what `LabelMap.read` takes, or 16-bit greyscale as `write` makes it.
  ///
  /// - Throws: `MediaError.file`, `.unsupportedKind` for any other picture, `.corrupt`, `.tooLarge`.
  public static func read(path: String) throws(MediaError) -> LabelRaster {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    guard PictureKind(of: file.bytes) == .png else { return LabelRaster(try LabelMap.read(path: path)) }
    let form = try PNGDecoder.form(file.bytes, path: path)
    return form.isGrey && form.bits == 16
      ? try PNGDecoder.decodeDeepLabels(file.bytes, path: path) : LabelRaster(try LabelMap.read(path: path))
  }

  /// Writes a 16-bit greyscale PNG, each pixel a mask's number, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    let bytes = labels.withUnsafeBytes { Array($0) }
    try PNGEncoder.write(bytes, width: width, height: height, kind: .deepGrey, path: path)
  }
}

/// The palette of DAVIS and Pascal VOC label maps.
/// Source: the VOC development kit's VOClabelcolormap, whose rule DAVIS shares.
enum ObjectPalette {
  /// The colours of objects 0 (background, black) to 255. Bits 0, 3, 6 of an index are red's bits 7, 6, 5 and so on
  /// down; 1, 4, 7 are green's; 2, 5 are blue's.
  static let colors: [OverlayColor] = (0..<256).map { index in
    func channel(_ first: Int) -> UInt8 {
      (0..<8).reduce(0) { value, bit in
        let place = first + 3 * bit
        return place < 8 ? value | UInt8(index >> place & 1) << UInt8(7 - bit) : value
      }
    }
    return OverlayColor(red: channel(0), green: channel(1), blue: channel(2))
  }
}
