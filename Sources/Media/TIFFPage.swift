// What a TIFF's page holds, converted as Pillow converts it.
// Source: Pillow's TiffImagePlugin.py (which layouts mean what), Convert.c, Unpack.c.

internal import CTIFF

/// What a page holds, before it is brought to eight bits.
struct TIFFPage {
  let fields: ctiff_page
  private let planes: [[UInt8]]
  private let converted: [UInt32]?

  init(_ fields: ctiff_page, planes: [[UInt8]]) {
    (self.fields, self.planes, converted) = (fields, planes, nil)
  }

  init(_ fields: ctiff_page, converted: [UInt32]) {
    (self.fields, planes, self.converted) = (fields, [], converted)
  }

  private var count: Int { Int(fields.width) * Int(fields.height) }
  private var isGrey: Bool { fields.photometric <= UInt16(PHOTOMETRIC_MINISBLACK) }

  /// Whether Pillow reads it.
  static func isKnown(_ fields: ctiff_page) -> Bool {
    let (bits, samples, isInteger) = (fields.bits, fields.samples, fields.format == UInt16(SAMPLEFORMAT_UINT))
    switch Int32(fields.photometric) {
    case PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MINISWHITE:
      if bits <= 8 { return samples == 1 || bits == 8 && samples == 2 }
      return samples == 1 && (bits == 16 || bits == 32) && fields.format <= UInt16(SAMPLEFORMAT_IEEEFP)
        && (bits == 32 || fields.format != UInt16(SAMPLEFORMAT_IEEEFP))
    case PHOTOMETRIC_RGB:
      return isInteger && (bits == 8 && samples >= 3 || bits == 16 && (3...4).contains(samples))
    case PHOTOMETRIC_PALETTE:
      return isInteger && fields.red != nil && (bits == 8 && samples <= 2 || bits < 8 && samples == 1)
    case PHOTOMETRIC_SEPARATED: return isInteger && (bits == 8 || bits == 16) && samples >= 4
    default: return false
    }
  }

  /// What is left out or made of it, one clause each.
  private var notes: [String] {
    var notes: [String] = []
    switch Int32(fields.photometric) {
    case PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MINISWHITE:
      if fields.bits <= 8 { notes.append("\(fields.bits)-bit greyscale repeated as RGB") }
    case PHOTOMETRIC_PALETTE: notes.append("palette of \(fields.bits) bits expanded to RGB")
    case PHOTOMETRIC_SEPARATED: notes.append("CMYK converted to RGB without its colour profile")
    default: break
    }
    if fields.extra_count > 0 || fields.photometric == UInt16(PHOTOMETRIC_RGB) && fields.samples > 3 {
      notes.append("alpha dropped")
    }
    return notes
  }

  /// The page as Pillow's `convert("RGB")` gives it, turned as its orientation says.
  func picture(range: SampleRange) -> Picture {
    let deep = deepSamples
    var notes = self.notes
    let pixels: [UInt8]
    if case .fixed(let black, let white) = range, let deep {
      pixels = deep.pixels(black: black, white: white)
      notes.append(DeepSamples.rangeNote(bits: Int(fields.bits), black: black, white: white))
    } else {
      pixels = rgb
      if let deep, deep.channels == 1 {
        notes.append(deep.clippingNote(bits: Int(fields.bits)))
      } else if fields.bits == 16 {
        notes.append("16-bit samples cut to their upper 8 bits, as Pillow does")
      }
      if deep == nil { notes += range.ignoredNotes }
    }
    if fields.orientation > 1 {
      notes.append("EXIF orientation \(fields.orientation) applied, as Pillow does for TIFF")
    }
    let picture = Picture(
      width: Int(fields.width), height: Int(fields.height), pixels: pixels, notes: notes)
    return picture.turned(by: Int(fields.orientation))
  }

  /// Where a sample of the first pixel stands, and how far the next pixel's is from it, in samples.
  private func place(of sample: Int) -> (plane: Int, first: Int, step: Int) {
    planes.count > 1 ? (sample, 0, 1) : (0, sample, Int(fields.samples))
  }

  /// One sample of every pixel: of at most eight bits as it is stored, of sixteen the upper byte.
  private func bytes(of sample: Int) -> [UInt8] {
    let (plane, first, step) = place(of: sample)
    let (bits, width) = (Int(fields.bits), Int(fields.width))
    let rowBytes = (width * bits + 7) / 8
    return planes[plane].withUnsafeBytes { stored in
      Self.made(count) { pixel in
        switch bits {
        case 8: return stored[first + pixel * step]
        case 16:
          return UInt8(stored.loadUnaligned(fromByteOffset: 2 * (first + pixel * step), as: UInt16.self) >> 8)
        default:
          let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
          let bit = column * bits
          return stored[row * rowBytes + bit / 8] >> UInt8(8 - bits - bit % 8) & UInt8(1 << bits - 1)
        }
      }
    }
  }

  private static func made<Element>(_ count: Int, _ element: (Int) -> Element) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { elements, initialized in
      guard let start = elements.baseAddress else { return }
      for index in 0..<count { (start + index).initialize(to: element(index)) }
      initialized = count
    }
  }

  /// The samples of more than eight bits; nil where there are none.
  var deepSamples: DeepSamples? {
    guard converted == nil, fields.bits > 8 else { return nil }
    if isGrey { return DeepSamples(samples: numbers(of: 0), channels: 1) }
    guard fields.photometric == UInt16(PHOTOMETRIC_RGB) else { return nil }
    let colours = (0..<3).map { numbers(of: $0) }
    return DeepSamples(samples: Self.made(3 * count) { colours[$0 % 3][$0 / 3] }, channels: 3)
  }

  /// One sample of every pixel, of 16 or 32 bits.
  private func numbers(of sample: Int) -> [Double] {
    let (plane, first, step) = place(of: sample)
    let (isShort, format) = (fields.bits == 16, fields.format)
    return planes[plane].withUnsafeBytes { stored in
      Self.made(count) { pixel in
        let place = first + pixel * step
        if isShort {
          let number = stored.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self)
          return format == UInt16(SAMPLEFORMAT_INT) ? Double(Int16(bitPattern: number)) : Double(number)
        }
        let number = stored.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
        if format == UInt16(SAMPLEFORMAT_IEEEFP) { return Double(Float(bitPattern: number)) }
        // Pillow keeps both kinds of 32 bits as signed numbers.
        return Double(Int32(bitPattern: number))
      }
    }
  }

  /// How opaque every pixel is; nil where the page doesn't say.
  var alpha: [UInt8]? {
    if let converted { return fields.samples > 3 ? Self.made(count) { UInt8(converted[$0] >> 24) } : nil }
    let isAlpha = [UInt16(EXTRASAMPLE_ASSOCALPHA), UInt16(EXTRASAMPLE_UNASSALPHA)].contains(fields.extra)
    let sample = Int(fields.samples) - Int(fields.extra_count)
    guard fields.extra_count > 0, sample > 0, isAlpha, fields.bits == 8 || fields.bits == 16 else { return nil }
    return bytes(of: sample)
  }

  /// Interleaved red, green and blue.
  private var rgb: [UInt8] {
    if let converted {
      return Self.made(3 * count) { UInt8(truncatingIfNeeded: converted[$0 / 3] >> UInt32(8 * ($0 % 3))) }
    }
    switch Int32(fields.photometric) {
    case PHOTOMETRIC_PALETTE:
      guard let red = fields.red, let green = fields.green, let blue = fields.blue else { return [] }
      let (colours, indices) = ([red, green, blue], bytes(of: 0))
      return Self.made(3 * count) { UInt8(colours[$0 % 3][Int(indices[$0 / 3])] >> 8) }
    case PHOTOMETRIC_SEPARATED:
      let (inks, black) = ((0..<3).map { bytes(of: $0) }, bytes(of: 3))
      return Self.made(3 * count) { place in
        let light = 255 - Int(black[place / 3])
        let product = Int(inks[place % 3][place / 3]) * light + 128
        return UInt8(max(0, min(255, light - ((product >> 8) + product) >> 8)))
      }
    case PHOTOMETRIC_RGB: return colours
    default: return grey
    }
  }

  private var colours: [UInt8] {
    let colours = (0..<3).map { bytes(of: $0) }
    let isMultiplied = fields.extra_count > 0 && fields.extra == UInt16(EXTRASAMPLE_ASSOCALPHA)
    guard isMultiplied, fields.samples > 3 else {
      return Self.made(3 * count) { colours[$0 % 3][$0 / 3] }
    }
    // Colours that were multiplied with their alpha are divided by it.
    let alpha = bytes(of: 3)
    return Self.made(3 * count) { place in
      let (colour, share) = (Int(colours[place % 3][place / 3]), Int(alpha[place / 3]))
      return share == 0 ? 0 : UInt8(min(255, share == 255 ? colour : colour * 255 / share))
    }
  }

  private var grey: [UInt8] {
    if let deepSamples {
      let samples = deepSamples.samples
      return Self.made(3 * count) { place in
        let sample = samples[place / 3]
        return sample.isNaN ? 0 : UInt8(max(0, min(255, sample)))
      }
    }
    let levels = bytes(of: 0)
    let isInverted = fields.photometric == UInt16(PHOTOMETRIC_MINISWHITE)
    let scale = UInt8(255 / (1 << Int(fields.bits) - 1))
    return Self.made(3 * count) { place in
      let level = levels[place / 3] * scale
      return isInverted ? 255 - level : level
    }
  }
}

extension Picture {
  /// The picture as an EXIF orientation, 1 to 8, asks for it to be shown.
  func turned(by orientation: Int) -> Picture {
    guard (2...8).contains(orientation) else { return self }
    let swaps = orientation >= 5
    let (newWidth, newHeight) = swaps ? (height, width) : (width, height)
    var turned = [UInt8](repeating: 0, count: pixels.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (right, down) = (width - 1, height - 1)
        let (fromX, fromY) =
          switch orientation {
          case 2: (right - x, y)
          case 3: (right - x, down - y)
          case 4: (x, down - y)
          case 5: (y, x)
          case 6: (y, down - x)
          case 7: (right - y, down - x)
          default: (right - y, x)
          }
        let (from, to) = (3 * (fromY * width + fromX), 3 * (y * newWidth + x))
        for channel in 0..<3 { turned[to + channel] = pixels[from + channel] }
      }
    }
    return Picture(width: newWidth, height: newHeight, pixels: turned, notes: notes)
  }
}
