// JPEG 2000 through OpenJPEG, a codestream or a JP2 file around one, brought to 8-bit RGB as Pillow does it.
// Source: Pillow's Jpeg2KImagePlugin.py (what the header means), Jpeg2KDecode.c (samples to bytes), ConvertYCbCr.c.

internal import COpenJPEG
import Kernels

/// An open JPEG 2000 picture, whose samples were decoded. Use one from one thread at a time.
final class JPEG2000File {
  private let path: String
  private var file = copenjpeg_file()
  private let header: JP2Header
  private let width: Int
  private let height: Int
  /// Whether samples are those that were stored, rather than about as they were.
  let isReversible: Bool

  /// Opens a file in memory and decodes it; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`, `.tooLarge`, `.emptyClaim`.
  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) {
    if let problem = copenjpeg_load() {
      throw .unsupportedKind(
        path: path,
        found: "a JPEG 2000 picture, but OpenJPEG can't be loaded: \(String(cString: problem)); install it")
    }
    let isCodestream = bytes.first == 0xFF
    guard let header = isCodestream ? JP2Header() : JP2Header(bytes),
      let codestream = CodestreamSize(bytes, isCodestream: isCodestream)
    else {
      throw .corrupt(path: path, reason: "the JPEG 2000 file has no header that can be read")
    }
    try Picture.checkSize(
      width: codestream.width, height: codestream.height, bytes: bytes.count, cost: 16, path: path)
    // Tiles cost memory, however few bytes they have.
    guard codestream.tileCount <= max(64, bytes.count) else {
      throw .corrupt(
        path: path, reason: "its header says \(codestream.tileCount) tiles, in \(bytes.count) bytes")
    }
    guard codestream.components <= Self.mostComponents else {
      throw .unsupportedKind(
        path: path,
        found: "a JPEG 2000 of \(codestream.components) components, not 1 to \(Self.mostComponents)")
    }
    (width, height) = (codestream.width, codestream.height)
    isReversible = codestream.isReversible
    self.header = header
    self.path = path
    let memory = UnsafeMutablePointer<copenjpeg_memory>.allocate(capacity: 1)
    defer { memory.deallocate() }
    memory.initialize(
      to: copenjpeg_memory(
        bytes: bytes.assumingMemoryBound(to: UInt8.self).baseAddress, count: UInt64(bytes.count), place: 0))
    guard
      copenjpeg_open(memory, isCodestream ? 1 : 0, Int32(min(Parallelism.threads, 8)), &file) != 0
    else {
      throw .corrupt(path: path, reason: "the JPEG 2000 file has no header that can be read")
    }
    guard copenjpeg_decode(&file) != 0, isSound else {
      throw .corrupt(path: path, reason: "the JPEG 2000 file is truncated or damaged")
    }
  }

  deinit { copenjpeg_close(&file) }

  private static let mostComponents = 4

  private var image: opj_image_t { file.image.pointee }

  private func component(_ index: Int) -> opj_image_comp_t { image.comps[index] }

  /// Whether there are as many samples as the header says.
  private var isSound: Bool {
    guard Int(image.x1) - Int(image.x0) == width, Int(image.y1) - Int(image.y0) == height,
      (1...Self.mostComponents).contains(Int(image.numcomps))
    else { return false }
    return (0..<Int(image.numcomps)).allSatisfy { index in
      let found = component(index)
      return found.data != nil && found.dx > 0 && found.dy > 0 && (1...31).contains(found.prec)
        && Int(found.w) > (width - 1) / Int(found.dx) - 1 && Int(found.h) > (height - 1) / Int(found.dy) - 1
        && found.w > 0 && found.h > 0
    }
  }

  private var bits: Int { Int(component(0).prec) }

  /// How components make colours.
  private enum Colours {
    case grey, palette([UInt8]), rgb, brightnessAndDifferences, inks
  }

  private var colours: Colours? {
    let count = Int(image.numcomps)
    let isSubsampled = (1..<count).contains { component($0).dx != 1 || component($0).dy != 1 }
    if count < 3 { return header.palette.map(Colours.palette) ?? .grey }
    switch header.space {
    case 12: return count == 4 ? .inks : nil
    case 16: return .rgb
    case 17: return .grey
    case 18: return .brightnessAndDifferences
    case nil: return isSubsampled ? .brightnessAndDifferences : .rgb
    default: return nil
    }
  }

  /// Whether Pillow keeps the samples as they are and clips them: grey alone of more than eight bits.
  private var isDeepGrey: Bool { image.numcomps == 1 && bits > 8 && header.palette == nil }

  /// How opaque every pixel is; nil where the file doesn't say.
  var alpha: [UInt8]? {
    guard image.numcomps % 2 == 0, header.space != 12 else { return nil }
    return bytes(of: Int(image.numcomps) - 1)
  }

  /// The picture as Pillow's `convert("RGB")` gives it.
  ///
  /// - Throws: `MediaError.unsupportedKind`.
  func picture(range: SampleRange) throws(MediaError) -> Picture {
    guard let colours else {
      throw .unsupportedKind(
        path: path, found: "a JPEG 2000 of a colour space that isn't known here; save it as PNG")
    }
    var notes: [String] = []
    switch colours {
    case .grey where !isDeepGrey: notes.append("\(bits)-bit greyscale repeated as RGB")
    case .palette: notes.append("palette of \(bits) bits expanded to RGB")
    case .inks: notes.append("CMYK converted to RGB without its colour profile")
    default: break
    }
    if alpha != nil { notes.append("alpha dropped") }
    let pixels: [UInt8]
    if case .fixed(let black, let white) = range, let deep = deepSamples(colours) {
      pixels = deep.pixels(black: black, white: white)
      notes.append(DeepSamples.rangeNote(bits: bits, black: black, white: white))
    } else if isDeepGrey {
      let clipped = clippedGrey
      pixels = clipped.pixels
      notes.append(DeepSamples.clippingNote(bits: bits, clips: clipped.clips))
    } else {
      pixels = rgb(colours)
      if bits > 8 {
        notes.append("\(bits)-bit samples rounded to 8 bits, as Pillow does")
      } else {
        notes += range.ignoredNotes
      }
    }
    return Picture(width: width, height: height, pixels: pixels, notes: notes)
  }

  /// The least and the largest sample of a picture of more than eight bits; nil for any other.
  var deepSpan: ClosedRange<Double>? { colours.flatMap { deepSamples($0) }?.span }

  /// The samples of more than eight bits of grey or red, green and blue; nil for others.
  private func deepSamples(_ colours: Colours) -> DeepSamples? {
    guard bits > 8 else { return nil }
    let channels: Int
    switch colours {
    case .grey: channels = 1
    case .rgb: channels = 3
    case .palette, .brightnessAndDifferences, .inks: return nil
    }
    let planes = (0..<channels).map { samples(of: $0) { Double($0) } }
    return DeepSamples(
      samples: (0..<channels * width * height).map { planes[$0 % channels][$0 / channels] }, channels: channels)
  }

  /// Grey of more than eight bits as Pillow has it: stretched to sixteen, then clipped to eight.
  private var clippedGrey: (pixels: [UInt8], clips: Bool) {
    let found = component(0)
    let offset = found.sgnd != 0 ? 1 << (bits - 1) : 0
    let rounding = bits > 16 ? 1 << (bits - 17) : 0
    var clips = false
    let levels = samples(of: 0) { sample in
      let shifted = bits > 16 ? (sample + offset + rounding) >> (bits - 16) : (sample + offset) << (16 - bits)
      let level = UInt16(truncatingIfNeeded: shifted)
      if level > 255 { clips = true }
      return UInt8(min(level, 255))
    }
    return (levels.flatMap { [$0, $0, $0] }, clips)
  }

  /// One sample of every pixel as `convert` has it; of a component that is coarser, the sample that the pixel lies in.
  private func samples<Element>(of index: Int, _ convert: (Int) -> Element) -> [Element] {
    let found = component(index)
    guard let data = found.data else { return [] }
    let (dx, dy, columns, rows) = (Int(found.dx), Int(found.dy), Int(found.w), Int(found.h))
    return [Element](unsafeUninitializedCapacity: width * height) { output, initialized in
      guard var place = output.baseAddress else { return }
      for y in 0..<height {
        let row = data + min(y / dy, rows - 1) * columns
        for x in 0..<width {
          place.initialize(to: convert(Int(row[min(x / dx, columns - 1)])))
          place += 1
        }
      }
      initialized = width * height
    }
  }

  /// One sample of every pixel, of eight bits: smaller ones stretched, larger ones rounded. What overflows begins again at 0,
  /// as in Pillow.
  private func bytes(of index: Int) -> [UInt8] {
    let found = component(index)
    let bits = Int(found.prec)
    let offset = found.sgnd != 0 ? 1 << (bits - 1) : 0
    if bits <= 8 { return samples(of: index) { UInt8(truncatingIfNeeded: ($0 + offset) << (8 - bits)) } }
    let rounding = 1 << (bits - 9)
    return samples(of: index) { UInt8(truncatingIfNeeded: ($0 + offset + rounding) >> (bits - 8)) }
  }

  /// Interleaved red, green and blue.
  private func rgb(_ colours: Colours) -> [UInt8] {
    switch colours {
    case .grey: return bytes(of: 0).flatMap { [$0, $0, $0] }
    case .palette(let palette):
      return samples(of: 0) { UInt8(truncatingIfNeeded: $0) }.flatMap { index -> ArraySlice<UInt8> in
        let start = 3 * Int(index)
        return start + 3 <= palette.count ? palette[start..<start + 3] : [0, 0, 0]
      }
    case .rgb:
      let planes = (0..<3).map { bytes(of: $0) }
      return made { planes[$1][$0] }
    case .brightnessAndDifferences:
      let planes = (0..<3).map { bytes(of: $0) }
      return made { pixel, channel in
        Self.colour(planes[0][pixel], planes[1][pixel], planes[2][pixel], channel)
      }
    case .inks:
      let planes = (0..<4).map { bytes(of: $0) }
      return made { pixel, channel in
        let light = 255 - Int(planes[3][pixel])
        let product = Int(planes[channel][pixel]) * light + 128
        return UInt8(max(0, min(255, light - ((product >> 8) + product) >> 8)))
      }
    }
  }

  private func made(_ element: (Int, Int) -> UInt8) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 3 * width * height) { output, initialized in
      for pixel in 0..<width * height {
        for channel in 0..<3 { output[3 * pixel + channel] = element(pixel, channel) }
      }
      initialized = 3 * width * height
    }
  }

  /// Red, green or blue out of brightness and differences, JFIF's matrix in steps of 1/64, each product rounded as Pillow's
  /// tables are.
  private static func colour(_ brightness: UInt8, _ blue: UInt8, _ red: UInt8, _ channel: Int) -> UInt8 {
    func product(_ factor: Double, _ difference: UInt8) -> Int {
      Int(factor * 64 * Double(Int(difference) - 128) + 0.5)
    }
    let added =
      switch channel {
      case 0: product(1.402, red) >> 6
      case 1: (product(-0.34414, blue) + product(-0.71414, red)) >> 6
      default: product(1.772, blue) >> 6
      }
    return UInt8(max(0, min(255, Int(brightness) + added)))
  }
}
