// WebP through libwebp's decoder of animations, as Pillow has it: the first picture on its canvas.
// Source: Pillow's WebPImagePlugin.py and _webp.c.

internal import CWebP

/// Decodes WebP files.
enum WebPDecoder {
  /// The first picture of a file with its alpha: `height · width · 4`.
  struct Decoded {
    let width: Int
    let height: Int
    let rgba: [UInt8]
    let hasAlpha: Bool
    let isAnimation: Bool
    /// Whether pixels are about as they were, and not exactly.
    let isLossy: Bool

    /// The picture without its alpha.
    var picture: Picture {
      let pixels = rgba.withUnsafeBufferPointer { rgba in
        [UInt8](unsafeUninitializedCapacity: rgba.count / 4 * 3) { pixels, count in
          for pixel in 0..<rgba.count / 4 {
            for channel in 0..<3 { pixels[3 * pixel + channel] = rgba[4 * pixel + channel] }
          }
          count = rgba.count / 4 * 3
        }
      }
      var notes: [String] = []
      if hasAlpha { notes.append("alpha dropped") }
      if isAnimation { notes.append("the first picture of an animation") }
      return Picture(width: width, height: height, pixels: pixels, notes: notes)
    }
  }

  /// The first picture of a WebP file with its alpha; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`, `.tooLarge`.
  static func decode(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> Decoded {
    if let problem = cwebp_load() {
      throw .unsupportedKind(
        path: path,
        found: "a WebP picture, but libwebp can't be loaded: \(String(cString: problem)); install it")
    }
    let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    var features = cwebp_features()
    guard cwebp_get_features(start, bytes.count, &features) != 0 else {
      throw .corrupt(path: path, reason: "the WebP file has no header that can be read")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    try Picture.checkSize(width: width, height: height, bytes: bytes.count, cost: 12, path: path)
    guard let decoder = cwebp_open(start, bytes.count) else {
      throw .corrupt(path: path, reason: "the WebP file is truncated or damaged")
    }
    defer { cwebp_WebPAnimDecoderDelete(decoder) }
    var canvas = WebPAnimInfo()
    guard cwebp_WebPAnimDecoderGetInfo(decoder, &canvas) != 0, Int(canvas.canvas_width) == width,
      Int(canvas.canvas_height) == height
    else { throw .corrupt(path: path, reason: "the WebP file's headers contradict each other") }
    var rgba: UnsafeMutablePointer<UInt8>?
    var time: Int32 = 0
    guard cwebp_WebPAnimDecoderGetNext(decoder, &rgba, &time) != 0, let rgba else {
      throw .corrupt(path: path, reason: "the WebP file's picture can't be decoded")
    }
    return Decoded(
      width: width, height: height,
      rgba: Array(UnsafeBufferPointer(start: rgba, count: 4 * width * height)),
      hasAlpha: features.has_alpha != 0, isAnimation: features.has_animation != 0,
      isLossy: features.is_lossless == 0)
  }
}
