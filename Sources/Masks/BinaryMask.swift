// Which pixels belong to an object, the box around them, and what can be wrong with masks.

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

  /// The foreground where logits, of shape `[height, width]`, exceed `threshold`; what is not a number does not.
  public init(logits: Tensor, threshold: Float = 0) {
    precondition(logits.shape.rank == 2, "expected logits of shape [height, width], found \(logits.shape)")
    height = logits.shape[0]
    width = logits.shape[1]
    pixels = logits.withElements { logits in
      [UInt8](unsafeUninitializedCapacity: logits.count) { pixels, count in
        for index in logits.indices { pixels[index] = logits[index] > threshold ? 1 : 0 }
        count = logits.count
      }
    }
  }

  /// The mask as numbers, 1 for foreground and 0 for background, `[height, width]`.
  public var tensor: Tensor { Tensor([height, width], pixels.map { Float($0) }) }

  /// How many pixels are foreground.
  public var area: Int { pixels.reduce(0) { $0 &+ Int($1) } }

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
    return PixelBox(left: left, right: right, top: top, bottom: bottom)
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

  /// The box from one column and row to others, those included; all zero where `bottom` is negative, for no pixel.
  init(left: Int, right: Int, top: Int, bottom: Int) {
    self =
      bottom < 0
      ? PixelBox(x: 0, y: 0, width: 0, height: 0)
      : PixelBox(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }

  /// COCO's `bbox`.
  public var coco: [Int] { [x, y, width, height] }
}

/// What can be wrong with masks that come from elsewhere.
public enum MaskError: Error, Equatable, CustomStringConvertible {
  /// A mask does not cover the picture that it belongs to; sizes are in pixels.
  case sizeMismatch(expectedWidth: Int, expectedHeight: Int, foundWidth: Int, foundHeight: Int)
  /// A label map has no room for an object of this number: expected 1 to `limit`.
  case objectOutOfRange(object: Int, limit: Int)
  /// A label raster has no room for so many masks.
  case tooManyMasks(found: Int, limit: Int)
  /// Run lengths that do not describe a mask of their size.
  case malformedRunLengths(reason: String)

  /// One sentence naming the mask, what was expected and what was found.
  public var description: String {
    switch self {
    case .sizeMismatch(let expectedWidth, let expectedHeight, let foundWidth, let foundHeight):
      "expected a mask of \(expectedWidth) × \(expectedHeight) pixels as the picture has, "
        + "found \(foundWidth) × \(foundHeight)"
    case .objectOutOfRange(let object, let limit):
      "a label map numbers its objects from 1 to \(limit), found object \(object)"
    case .tooManyMasks(let found, let limit):
      "a label raster numbers its masks from 1 to \(limit), found \(found) masks"
    case .malformedRunLengths(let reason): "run lengths don't describe a mask: \(reason)"
    }
  }
}
