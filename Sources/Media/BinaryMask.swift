// A mask of foreground and background, and how it meets files and COCO's run lengths.

public import Tensors

/// Which pixels belong to an object.
public struct BinaryMask: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 for foreground, 0 for background; row-major, `height · width`.
  public let pixels: [UInt8]

  /// A mask of `height · width` row-major pixels, where anything but 0 is foreground.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height, "\(pixels.count) pixels for a mask of \(width) × \(height)")
    self.width = width
    self.height = height
    self.pixels = pixels.map { $0 == 0 ? 0 : 1 }
  }

  /// The foreground where logits, of shape `[height, width]`, exceed `threshold`.
  public init(logits: Tensor, threshold: Float = 0) {
    precondition(logits.shape.rank == 2, "expected logits of shape [height, width], found \(logits.shape)")
    height = logits.shape[0]
    width = logits.shape[1]
    pixels = logits.withElements { $0.map { $0 > threshold ? 1 : 0 } }
  }

  /// The mask that run lengths describe.
  public init(_ runs: RunLengthEncoding) {
    width = runs.width
    height = runs.height
    var pixels = [UInt8](repeating: 0, count: runs.width * runs.height)
    pixels.withUnsafeMutableBufferPointer { pixels in
      var position = 0
      for (index, count) in runs.counts.enumerated() where count > 0 {
        if index % 2 == 1 {
          var (x, y) = position.quotientAndRemainder(dividingBy: runs.height)
          for _ in 0..<count {
            pixels[y * runs.width + x] = 1
            y += 1
            if y == runs.height { (x, y) = (x + 1, 0) }
          }
        }
        position += count
      }
    }
    self.pixels = pixels
  }

  /// Reads a mask from a JPEG or PNG picture: foreground is every pixel that is not black once converted to RGB,
  /// whatever its alpha.
  ///
  /// - Throws: what `Picture.read` throws.
  public static func read(path: String) throws(MediaError) -> BinaryMask {
    let picture = try Picture.read(path: path)
    let pixels = picture.pixels.withUnsafeBufferPointer { rgb in
      stride(from: 0, to: rgb.count, by: 3).map { (first: Int) -> UInt8 in
        rgb[first] | rgb[first + 1] | rgb[first + 2]
      }
    }
    return BinaryMask(width: picture.width, height: picture.height, pixels: pixels)
  }

  /// Writes an 8-bit greyscale PNG, 255 for foreground and 0 for background, which appears whole or not at all.
  ///
  /// - Throws: `MediaError.file` where the folder is missing or not writable, `.couldNotEncode`.
  public func write(path: String) throws(MediaError) {
    let grey = pixels.map { $0 * 255 }
    try PNGEncoder.write(grey, width: width, height: height, kind: .grey, path: path)
  }

  /// The mask as numbers, 1 for foreground and 0 for background, `[height, width]`.
  public var tensor: Tensor { Tensor([height, width], pixels.map { Float($0) }) }

  /// How many pixels are foreground.
  public var area: Int { pixels.reduce(0) { $0 + Int($1) } }

  /// The smallest box around the foreground; all zero for an empty mask.
  ///
  /// A single pixel has width and height 1, as in pycocotools' `toBbox`. The official mask generator's `bbox`
  /// is one less in both.
  public var bounds: PixelBox {
    var (left, right, top, bottom) = (width, -1, height, -1)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        let row = UnsafeBufferPointer(rebasing: pixels[y * width..<(y + 1) * width])
        guard let first = row.firstIndex(of: 1), let last = row.lastIndex(of: 1) else { continue }
        left = min(left, first)
        right = max(right, last)
        top = min(top, y)
        bottom = y
      }
    }
    if bottom < 0 { return PixelBox(x: 0, y: 0, width: 0, height: 0) }
    return PixelBox(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }
}

/// A box of whole pixels, COCO's `[x, y, width, height]`.
public struct PixelBox: Sendable, Hashable {
  /// The leftmost column.
  public let x: Int
  /// The topmost row.
  public let y: Int
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int

  /// A box from its top left pixel and its extents.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}
