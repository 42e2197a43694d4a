// TIFF through libtiff: the pages of a file, their strips and tiles put together.
// Source: TIFF 6.0; libtiff's documentation.

internal import CTIFF

/// An open TIFF. Use one from one thread at a time; the bytes must outlive it.
struct TIFFFile: ~Copyable {
  private let path: String
  private let memory: UnsafeMutablePointer<ctiff_memory>
  private let file: OpaquePointer
  /// How many pages there are.
  let pageCount: Int

  /// Opens a file in memory; `path` is for errors.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`.
  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) {
    if let problem = ctiff_load() {
      throw .unsupportedKind(
        path: path, found: "a TIFF, but libtiff can't be loaded: \(String(cString: problem)); install it")
    }
    let memory = UnsafeMutablePointer<ctiff_memory>.allocate(capacity: 1)
    memory.initialize(
      to: ctiff_memory(
        bytes: bytes.assumingMemoryBound(to: UInt8.self).baseAddress, count: UInt64(bytes.count), place: 0))
    guard let opened = ctiff_open(memory) else {
      memory.deallocate()
      throw .corrupt(path: path, reason: "the TIFF file has no directory that can be read")
    }
    self.memory = memory
    file = opened
    self.path = path
    pageCount = Int(ctiff_TIFFNumberOfDirectories(opened))
  }

  deinit {
    ctiff_TIFFClose(file)
    memory.deallocate()
  }

  /// A page as Pillow's `convert("RGB")` gives it, turned as its orientation says.
  ///
  /// - Throws: `MediaError.corrupt`, `.unsupportedKind`, `.tooLarge`.
  func picture(_ page: Int, range: SampleRange) throws(MediaError) -> Picture {
    try content(of: page).picture(range: range)
  }

  /// A page's picture; how opaque every pixel of it is, nil where it has no alpha; and whether it keeps its pixels about as
  /// they were, and not exactly.
  ///
  /// - Throws: What `picture` throws.
  func layers(_ page: Int) throws(MediaError) -> (picture: Picture, alpha: [UInt8]?, isLossy: Bool) {
    let content = try content(of: page)
    let alpha = content.alpha.map { (alpha: [UInt8]) -> [UInt8] in
      let (width, height) = (Int(content.fields.width), Int(content.fields.height))
      let picture = Picture(width: width, height: height, pixels: alpha.flatMap { [$0, $0, $0] })
      let turned = picture.turned(by: Int(content.fields.orientation)).pixels
      return stride(from: 0, to: turned.count, by: 3).map { turned[$0] }
    }
    return (
      content.picture(range: .pillow), alpha, content.fields.compression == UInt16(COMPRESSION_JPEG)
    )
  }

  /// The least and the largest sample of a page of more than eight bits; nil for any other.
  ///
  /// - Throws: What `picture` throws.
  func deepSpan(_ page: Int) throws(MediaError) -> ClosedRange<Double>? {
    try content(of: page).deepSamples?.span
  }

  private func fields(of page: Int) throws(MediaError) -> ctiff_page {
    var fields = ctiff_page()
    guard ctiff_TIFFSetDirectory(file, numericCast(page)) != 0, ctiff_fields(file, &fields) != 0 else {
      throw .corrupt(path: path, reason: "page \(page + 1) of the TIFF has no size or colours")
    }
    try Picture.checkSize(
      width: Int(fields.width), height: Int(fields.height), bytes: Int(memory.pointee.count), path: path)
    return fields
  }

  private func content(of page: Int) throws(MediaError) -> TIFFPage {
    var fields = try fields(of: page)
    let isYCbCr = fields.photometric == UInt16(PHOTOMETRIC_YCBCR)
    if isYCbCr && fields.compression == UInt16(COMPRESSION_JPEG) {
      ctiff_decode_jpeg_as_rgb(file)
      fields.photometric = UInt16(PHOTOMETRIC_RGB)
    } else if isYCbCr {
      return TIFFPage(fields, converted: try convertedPixels(fields))
    }
    let layout = TIFFLayout(fields)
    guard let layout, TIFFPage.isKnown(fields) else {
      throw .unsupportedKind(
        path: path,
        found:
          "a TIFF of \(fields.samples) samples of \(fields.bits) bits, format \(fields.format), photometric "
          + "\(fields.photometric); save it as 8-bit RGB")
    }
    return TIFFPage(fields, planes: try planes(fields, layout))
  }

  /// Pixels of a page that libtiff converts as a whole, as red, green, blue and alpha.
  private func convertedPixels(_ fields: ctiff_page) throws(MediaError) -> [UInt32] {
    var raster = [UInt32](repeating: 0, count: Int(fields.width) * Int(fields.height))
    let status = raster.withUnsafeMutableBufferPointer {
      ctiff_TIFFReadRGBAImageOriented(file, fields.width, fields.height, $0.baseAddress, ORIENTATION_TOPLEFT, 0)
    }
    guard status != 0 else { throw damaged }
    return raster
  }

  private var damaged: MediaError {
    .corrupt(path: path, reason: "a strip or tile of the TIFF can't be decoded")
  }

  /// The rows of every plane, each beginning a byte.
  private func planes(_ fields: ctiff_page, _ layout: TIFFLayout) throws(MediaError) -> [[UInt8]] {
    var planes = [[UInt8]](
      repeating: [UInt8](repeating: 0, count: layout.rowBytes * Int(fields.height)), count: layout.planeCount)
    let blockBytes = Int(fields.is_tiled != 0 ? ctiff_TIFFTileSize(file) : ctiff_TIFFStripSize(file))
    guard blockBytes > 0, blockBytes <= min(1 << 30, max(1 << 26, 8192 * Int(memory.pointee.count))) else {
      throw damaged
    }
    var block = [UInt8](repeating: 0, count: blockBytes)
    for plane in planes.indices {
      if fields.is_tiled != 0 {
        try readTiles(of: plane, into: &planes[plane], fields, layout, by: &block)
      } else {
        try readStrips(of: plane, into: &planes[plane], fields, layout, by: &block)
      }
    }
    return planes
  }

  private func readTiles(
    of plane: Int, into pixels: inout [UInt8], _ fields: ctiff_page, _ layout: TIFFLayout,
    by block: inout [UInt8]
  ) throws(MediaError) {
    let (width, height) = (Int(fields.tile_width), Int(fields.tile_height))
    guard width > 0, height > 0, width * layout.pixelBits % 8 == 0 else { throw damaged }
    let tileRow = Int(ctiff_TIFFTileRowSize(file))
    guard tileRow > 0, tileRow <= block.count / height else { throw damaged }
    for top in stride(from: 0, to: Int(fields.height), by: height) {
      for left in stride(from: 0, to: Int(fields.width), by: width) {
        let number = ctiff_TIFFComputeTile(file, UInt32(left), UInt32(top), 0, UInt16(plane))
        guard ctiff_TIFFReadEncodedTile(file, number, &block, numericCast(block.count)) >= 0 else {
          throw damaged
        }
        let offset = left * layout.pixelBits / 8
        let count = min(tileRow, layout.rowBytes - offset)
        for row in 0..<min(height, Int(fields.height) - top) where count > 0 {
          let start = (top + row) * layout.rowBytes + offset
          pixels.replaceSubrange(start..<start + count, with: block[row * tileRow..<row * tileRow + count])
        }
      }
    }
  }

  private func readStrips(
    of plane: Int, into pixels: inout [UInt8], _ fields: ctiff_page, _ layout: TIFFLayout,
    by block: inout [UInt8]
  ) throws(MediaError) {
    let rows = max(1, min(Int(fields.rows_per_strip), Int(fields.height)))
    let strips = (Int(fields.height) + rows - 1) / rows
    for strip in 0..<strips {
      let number = UInt32(plane * strips + strip)
      let start = strip * rows * layout.rowBytes
      let count = min(rows, Int(fields.height) - strip * rows) * layout.rowBytes
      let found = Int(ctiff_TIFFReadEncodedStrip(file, number, &block, numericCast(block.count)))
      guard found >= count else { throw damaged }
      pixels.replaceSubrange(start..<start + count, with: block[..<count])
    }
  }
}

/// How a page's samples lie.
private struct TIFFLayout {
  /// One where samples of a pixel stand together, else one for each sample.
  let planeCount: Int
  /// Bits of a pixel in a plane.
  let pixelBits: Int
  let rowBytes: Int

  init?(_ fields: ctiff_page) {
    guard (1...16).contains(fields.samples), [1, 2, 4, 8, 16, 32].contains(fields.bits) else { return nil }
    planeCount = fields.planar == UInt16(PLANARCONFIG_SEPARATE) ? Int(fields.samples) : 1
    pixelBits = Int(fields.bits) * (planeCount == 1 ? Int(fields.samples) : 1)
    rowBytes = (Int(fields.width) * pixelBits + 7) / 8
  }
}
