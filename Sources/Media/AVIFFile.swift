// AVIF through libavif, one picture or several, with the pixels that Pillow has.
// Source: Pillow's AvifImagePlugin.py and _avif.c.

internal import CAVIF
import Kernels

/// An open AVIF. Use one from one thread at a time; the bytes must outlive it.
struct AVIFFile: ~Copyable {
  private let path: String
  private let decoder: UnsafeMutablePointer<avifDecoder>
  private let width: Int
  private let height: Int
  private let bits: Int
  private let hasAlpha: Bool
  /// What is left out of every page.
  private let headerNotes: [String]
  /// How many pages there are.
  let pageCount: Int

  /// Opens a file in memory; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`, `.tooLarge`, `.emptyClaim`.
  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) {
    if let problem = cavif_load() {
      throw .unsupportedKind(
        path: path,
        found: "an AVIF picture, but libavif can't be loaded: \(String(cString: problem)); install it")
    }
    var opened: UnsafeMutablePointer<avifDecoder>?
    let problem = cavif_open(
      bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count, Int32(min(Parallelism.threads, 8)),
      UInt32(Picture.pixelLimit), &opened)
    guard problem == nil, let opened else {
      throw .corrupt(path: path, reason: Self.reason(problem))
    }
    let info = cavif_describe(opened)
    do throws(MediaError) {
      try Picture.checkSize(
        width: Int(info.width), height: Int(info.height), bytes: bytes.count, cost: 12, path: path)
    } catch {
      cavif_avifDecoderDestroy(opened)
      throw error
    }
    var notes: [String] = []
    if info.is_grey != 0 { notes.append("\(info.depth)-bit greyscale repeated as RGB") }
    if info.has_alpha != 0 { notes.append("alpha dropped") }
    if info.is_turned != 0 { notes.append("rotation or mirroring ignored, as Pillow's convert does") }
    if info.is_cropped != 0 { notes.append("the clean aperture ignored, as Pillow does") }
    let exif = UnsafeRawBufferPointer(start: info.exif, count: info.exif_count)
    if let orientation = EXIFOrientation.find(inTIFF: exif) { notes.append(EXIFOrientation.note(orientation)) }
    decoder = opened
    (width, height, bits) = (Int(info.width), Int(info.height), Int(info.depth))
    (hasAlpha, pageCount) = (info.has_alpha != 0, Int(info.pages))
    headerNotes = notes
    self.path = path
  }

  deinit { cavif_avifDecoderDestroy(decoder) }

  /// A page as Pillow's `convert("RGB")` gives it.
  ///
  /// - Throws: `MediaError.corrupt`.
  func picture(_ page: Int, range: SampleRange) throws(MediaError) -> Picture {
    var notes = headerNotes
    let pixels: [UInt8]
    if case .fixed(let black, let white) = range, bits > 8 {
      pixels = try deepSamples(page).pixels(black: black, white: white)
      notes.append(DeepSamples.rangeNote(bits: bits, black: black, white: white))
    } else {
      let decoded = try decoded(page, bits: 8)
      pixels = hasAlpha ? Self.colours(ofRGBA: decoded) : decoded
      notes += bits > 8 ? ["\(bits)-bit samples reduced to 8 bits, as Pillow does"] : range.ignoredNotes
    }
    return Picture(width: width, height: height, pixels: pixels, notes: notes)
  }

  /// A page's red, green, blue and alpha of 8 bits each; nil where the file has no alpha.
  ///
  /// - Throws: `MediaError.corrupt`.
  func rgba(_ page: Int) throws(MediaError) -> (width: Int, height: Int, rgba: [UInt8])? {
    guard hasAlpha else { return nil }
    return (width, height, try decoded(page, bits: 8))
  }

  /// The least and the largest sample of a page of more than eight bits; nil for any other.
  ///
  /// - Throws: `MediaError.corrupt`.
  func deepSpan(_ page: Int) throws(MediaError) -> ClosedRange<Double>? {
    bits > 8 ? try deepSamples(page).span : nil
  }

  private func deepSamples(_ page: Int) throws(MediaError) -> DeepSamples {
    let bytes = try decoded(page, bits: bits)
    let step = hasAlpha ? 4 : 3
    let samples = bytes.withUnsafeBytes { bytes in
      (0..<3 * width * height).map { place in
        Double(bytes.load(fromByteOffset: 2 * (place / 3 * step + place % 3), as: UInt16.self))
      }
    }
    return DeepSamples(samples: samples, channels: 3)
  }

  /// Red, green and blue, and alpha where there is any, interleaved.
  private func decoded(_ page: Int, bits: Int) throws(MediaError) -> [UInt8] {
    var problem: UnsafePointer<CChar>?
    let count = width * height * (hasAlpha ? 4 : 3) * (bits > 8 ? 2 : 1)
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { pixels, initialized in
      pixels.initialize(repeating: 0)
      problem = cavif_decode(
        decoder, UInt32(page), UInt32(bits), UInt32(width), UInt32(height), pixels.baseAddress)
      initialized = count
    }
    guard problem == nil else { throw .corrupt(path: path, reason: Self.reason(problem)) }
    return pixels
  }

  private static func colours(ofRGBA rgba: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: rgba.count / 4 * 3) { pixels, count in
      for pixel in 0..<rgba.count / 4 {
        for channel in 0..<3 { pixels[3 * pixel + channel] = rgba[4 * pixel + channel] }
      }
      count = rgba.count / 4 * 3
    }
  }

  private static func reason(_ problem: UnsafePointer<CChar>?) -> String {
    "the AVIF file can't be decoded (\(problem.map { String(cString: $0) } ?? "no reason given"))"
  }
}
