// A picture or a movie's tables: what our own readers say of any file, claims held against its bytes, then the pixels and the
// mask, where it isn't large.
import Files
import Masks
@testable import Media

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = input(start, count)
  let small = sizes(bytes).allSatisfy { width, height in
    require(width >= 0 && height >= 0, "a picture of \(width) × \(height)")
    return width <= 1 << 20 && height <= 1 << 20 && width * height <= 1 << 20
  }
  checkBoxes(bytes)
  if let orientation = EXIFOrientation.find(inTIFF: bytes) {
    require((2...8).contains(orientation), "an orientation that there is")
  }
  let path = inputFile(start, count)
  do { try MovieTables.check(bytes, path: path) } catch { require(!error.description.isEmpty, "a refusal says what") }
  guard small else { return 0 }
  guard let picture = try? Picture.read(path: path) else { return 0 }
  require(picture.pixels.count == 3 * picture.width * picture.height, "every pixel has three bytes")
  if let span = (try? Picture.deepSpan(path: path)) ?? nil { require(span.lowerBound <= span.upperBound, "samples have a span") }
  if let mask = try? MaskFile.read(path: path) { require(mask.mask.area > 0, "a mask has a pixel") }
  return 0
}

/// What headers say, in every format that we read ourselves.
private func sizes(_ bytes: UnsafeRawBufferPointer) -> [(Int, Int)] {
  var sizes: [(Int, Int)] = []
  if let header = JPEGHeader(bytes) {
    require(header.scanOffset <= bytes.count, "a scan lies within the file")
    if PictureKind(of: bytes) == .jpeg { sizes.append((header.width, header.height)) }
  }
  if let header = GIFHeader(bytes) {
    require(header.columns.count <= 0xFFFF && header.rows.count <= 0xFFFF, "a picture of a GIF has sizes of two bytes")
    _ = header.groundColour
    if PictureKind(of: bytes) == .gif { sizes.append((header.width, header.height)) }
  }
  if PictureKind(of: bytes) == .png, bytes.count >= 24 {
    let side = { (place: Int) in Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))) }
    sizes.append((side(16), side(20)))
  }
  for isCodestream in [false, true] {
    if let size = CodestreamSize(bytes, isCodestream: isCodestream) {
      require(size.width > 0 && size.height > 0 && size.tileCount > 0, "a codestream has tiles")
      if PictureKind(of: bytes) == .jpeg2000 { sizes.append((size.width, size.height)) }
    }
  }
  if let header = JP2Header(bytes), let palette = header.palette { require(palette.count % 3 == 0, "a colour has three parts") }
  return sizes
}

/// Boxes lie within what holds them, one after another.
private func checkBoxes(_ bytes: UnsafeRawBufferPointer) {
  var end = 0
  for box in ISOBoxes(in: bytes, 0..<bytes.count) {
    require(box.content.lowerBound >= end + 8 && box.content.upperBound <= bytes.count, "a box lies within the file")
    end = box.content.upperBound
  }
}

