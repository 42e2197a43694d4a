// A picture as the mask of one object: what of it is meant, or why that can't be told.

import Files
public import Masks

/// One object's mask out of a picture's file.
public struct MaskFile: Sendable {
  /// The object's pixels, at least one.
  public let mask: BinaryMask
  /// What had to be decided, one clause each.
  public let notes: [String]

  /// Reads a mask: the alpha channel where that is what varies, an indexed PNG's one object, else whatever isn't black. Of
  /// a JPEG, in which black is rarely black, the brighter half of the scale is the object.
  ///
  /// - Throws: `MediaError.unclearMask` for an empty mask, several objects, or colours and alpha that contradict each
  ///   other; what `Picture.read` throws.
  public static func read(path: String) throws(MediaError) -> MaskFile {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    var found: Foreground
    switch PictureKind(of: file.bytes) {
    case .png: found = try ofPNG(file.bytes, path: path)
    case .jpeg: found = try ofPicture(Picture.read(path: path), path: path, isLossy: true)
    case .tiff: found = try ofTIFF(file.bytes, path: path)
    case .webp:
      let decoded = try WebPDecoder.decode(file.bytes, path: path)
      found =
        decoded.hasAlpha
        ? try ofRGBA(
          RGBAMask(
            width: decoded.width, height: decoded.height, rgba: decoded.rgba,
            leastColour: leastColour(decoded.isLossy)), path: path)
        : try ofPicture(decoded.picture, path: path, isLossy: decoded.isLossy)
    case .avif:
      let avif = try AVIFFile(file.bytes, path: path)
      guard avif.pageCount == 1 else {
        throw .unclearMask(path: path, found: "\(avif.pageCount) pages; save the one that is meant alone")
      }
      if let (width, height, rgba) = try avif.rgba(0) {
        let mask = RGBAMask(width: width, height: height, rgba: rgba, leastColour: leastColour(true))
        found = try ofRGBA(mask, path: path)
      } else {
        found = try ofPicture(avif.picture(0, range: .pillow), path: path, isLossy: true)
      }
    case .jpeg2000: found = try ofJPEG2000(file.bytes, path: path)
    case .bmp, .gif, .portablePixmap:
      found = try ofPicture(Picture.read(path: path), path: path, isLossy: false)
    case .other(let kind): throw .unsupportedKind(path: path, found: kind)
    }
    let area = found.mask.area
    guard area > 0 else { throw .unclearMask(path: path, found: "no pixel of it: \(found.emptiness)") }
    if area == found.mask.pixels.count { found.notes.append("the mask covers the whole picture") }
    return MaskFile(mask: found.mask, notes: found.notes)
  }

  /// A mask, empty perhaps.
  private struct Foreground {
    let mask: BinaryMask
    var notes: [String] = []
    var emptiness = "all are black"
  }

  /// From how bright a colour is not ground: of a file that keeps pixels about as they were and not exactly, from half.
  private static func leastColour(_ isLossy: Bool) -> UInt8 { isLossy ? 128 : 1 }

  /// Its header doesn't tell whether samples are about as they were, or exactly: numbers and black are looked for first.
  private static func ofJPEG2000(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(MediaError) -> Foreground {
    let file = try JPEG2000File(bytes, path: path)
    let picture = try file.picture(range: .pillow)
    let isLossy = !file.isReversible
    guard let alpha = file.alpha else { return try ofPicture(picture, path: path, isLossy: isLossy) }
    let rgba = alpha.indices.flatMap { pixel in picture.pixels[3 * pixel..<3 * pixel + 3] + [alpha[pixel]] }
    return try ofRGBA(
      RGBAMask(
        width: picture.width, height: picture.height, rgba: rgba, leastColour: leastColour(isLossy)), path: path
    )
  }

  private static func ofTIFF(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> Foreground {
    let file = try TIFFFile(bytes, path: path)
    guard file.pageCount == 1 else {
      throw .unclearMask(path: path, found: "\(file.pageCount) pages; save the one that is meant alone")
    }
    let (picture, opacity, isLossy) = try file.layers(0)
    guard let alpha = opacity else { return try ofPicture(picture, path: path, isLossy: isLossy) }
    let rgba = alpha.indices.flatMap { pixel in picture.pixels[3 * pixel..<3 * pixel + 3] + [alpha[pixel]] }
    return try ofRGBA(
      RGBAMask(
        width: picture.width, height: picture.height, rgba: rgba, leastColour: leastColour(isLossy)), path: path
    )
  }

  /// What grey numbers of objects say; nil where the samples are colours or tell brightness.
  private static func ofNumbers(_ picture: Picture, path: String) throws(MediaError) -> Foreground? {
    let pixels = picture.pixels
    let places = stride(from: 0, to: pixels.count, by: 3)
    guard places.allSatisfy({ pixels[$0] == pixels[$0 + 1] && pixels[$0] == pixels[$0 + 2] }) else {
      return nil
    }
    let labels = LabelMap(width: picture.width, height: picture.height, labels: places.map { pixels[$0] })
    return try ofLabels(
      labels, PNGDecoder.Form(bits: 8, isIndexed: false, isGrey: true, palette: [], hasAlpha: false), path: path
    )
  }

  /// Whatever isn't black, or of a file that keeps pixels about as they were and not exactly, isn't dark.
  private static func ofPicture(
    _ picture: Picture, path: String, isLossy: Bool
  ) throws(MediaError) -> Foreground {
    if !isLossy, let found = try ofNumbers(picture, path: path) { return found }
    let least = leastColour(isLossy)
    let pixels = picture.pixels.withUnsafeBufferPointer { rgb in
      stride(from: 0, to: rgb.count, by: 3).map { (first: Int) -> UInt8 in
        max(rgb[first], rgb[first + 1], rgb[first + 2]) >= least ? 1 : 0
      }
    }
    return Foreground(
      mask: BinaryMask(width: picture.width, height: picture.height, pixels: pixels),
      notes: isLossy ? ["compressed with losses, so pixels of 128 and more of 255 are taken as the mask"] : [],
      emptiness: isLossy ? "all are darker than 128 of 255" : "all are black")
  }

  private static func ofPNG(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) -> Foreground {
    let form = try PNGDecoder.form(bytes, path: path)
    if !form.hasAlpha, form.isIndexed || form.isGrey && form.bits == 8 {
      let labels = try PNGDecoder.decodeLabels(bytes, path: path)
      if let found = try ofLabels(labels, form, path: path) { return found }
    }
    if !form.hasAlpha, form.isGrey, form.bits == 16 {
      return try ofPicture(PNGDecoder.decode(bytes, path: path, range: .pillow), path: path, isLossy: false)
    }
    let (width, height, rgba) = try PNGDecoder.decodeRGBA(bytes, path: path)
    return try ofRGBA(RGBAMask(width: width, height: height, rgba: rgba), path: path)
  }

  /// What numbers of objects say; nil where the samples are colours rather than numbers.
  private static func ofLabels(
    _ labels: LabelMap, _ form: PNGDecoder.Form, path: String
  ) throws(MediaError) -> Foreground? {
    var objects = labels.objects
    var notes: [String] = []
    if form.isIndexed {
      let used = (labels.labels.contains(0) ? [0] : []) + objects
      let colors = used.compactMap { form.palette.indices.contains($0) ? form.palette[$0] : nil }
      let isGrey = colors.allSatisfy { $0.red == $0.green && $0.green == $0.blue }
      let black = OverlayColor(red: 0, green: 0, blue: 0)
      // Optimisers number a picture's colours in any order: there black is the ground, wherever it stands.
      if isGrey || form.palette.first != black && colors.contains(black) { return nil }
    } else {
      guard objects.filter({ $0 != LabelMap.void }).allSatisfy({ $0 <= mostSmallLabels }) else { return nil }
    }
    if objects.count > 1, objects.last == LabelMap.void {
      objects.removeLast()
      notes.append("255 taken as void, not as an object")
    }
    guard objects.count < 2 else {
      let numbers = objects.prefix(8).map(String.init).joined(separator: ", ") + (objects.count > 8 ? " …" : "")
      throw .unclearMask(
        path: path,
        found:
          "those of objects \(numbers); --masks takes all of them, or give each object a picture of its own")
    }
    let object = objects.first ?? 1
    if form.isIndexed, object != 1 { notes.append("the pixels of object \(object) taken as the mask") }
    return Foreground(mask: labels.mask(of: object), notes: notes)
  }

  /// Grey samples up to here, and no others, number objects rather than tell how bright a pixel is.
  private static let mostSmallLabels = 32

  private static func ofRGBA(_ picture: RGBAMask, path: String) throws(MediaError) -> Foreground {
    let (colours, alpha) = (picture.colours, picture.alpha)
    let count = colours.pixels.count
    // An alpha that is the same everywhere says nothing.
    if alpha.area == count || alpha.area == 0 && colours.area < count {
      return Foreground(
        mask: colours,
        notes: alpha.area == 0 ? ["all pixels are transparent; their colours taken as the mask"] : [])
    }
    if alpha.area == 0 {
      return Foreground(mask: alpha, emptiness: "all are transparent, and none is black")
    }
    // Colours that are one everywhere, or those of a photograph that was cut out.
    if colours == alpha || colours.area == count || colours.area == 0 || picture.isPhotograph {
      return Foreground(mask: alpha, notes: ["the alpha channel taken as the mask"])
    }
    throw .unclearMask(
      path: path,
      found:
        "one in the colours (\(colours.area) pixels) and another in the alpha channel (\(alpha.area) pixels); "
        + "save the one that is meant without the other")
  }
}

/// A picture with alpha that is to be a mask.
private struct RGBAMask {
  /// Pixels that aren't black.
  let colours: BinaryMask
  /// Pixels that aren't wholly transparent.
  let alpha: BinaryMask
  /// Whether there are more colours than masks have.
  let isPhotograph: Bool

  private static let mostMaskColours = 16

  /// - Parameter leastColour: From how bright a colour isn't black.
  init(width: Int, height: Int, rgba: [UInt8], leastColour: UInt8 = 1) {
    let places = stride(from: 0, to: rgba.count, by: 4)
    colours = BinaryMask(
      width: width, height: height,
      pixels: places.map { max(rgba[$0], rgba[$0 + 1], rgba[$0 + 2]) >= leastColour ? 1 : 0 })
    alpha = BinaryMask(width: width, height: height, pixels: places.map { rgba[$0 + 3] })
    var known: Set<UInt32> = []
    for place in places where known.count <= Self.mostMaskColours {
      let (red, green, blue) = (rgba[place], rgba[place + 1], rgba[place + 2])
      // Shades of grey are soft edges.
      if red != green || green != blue {
        known.insert(UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue))
      }
    }
    isPhotograph = known.count > Self.mostMaskColours
  }
}
