public import Masks

/// A mask that nobody pointed at, with what is known of it: the official generator's record.
public struct AutomaticMask: Sendable, Equatable {
  /// Its pixels, of the picture's size.
  public var segmentation: RunLengthEncoding
  /// How many they are.
  public var area: Int
  /// The smallest box around them, in which a single pixel has width and height 1.
  public var bounds: PixelBox
  /// Its predicted IoU with the truth.
  public let predictedIoU: Float
  /// The point that it was found at: x and y in pixels of the picture.
  public let point: (x: Float, y: Float)
  /// How alike it is to itself with logits raised and lowered; 0 for a mask that is empty either way.
  public let stabilityScore: Float
  /// The part of the picture that it was found in.
  public let cropBox: PixelBox

  /// Its pixels, unpacked.
  public var mask: BinaryMask { BinaryMask(segmentation) }

  /// The official record's `bbox`: left, top, and the distances to the last column and row, one less than `bounds` says.
  public var officialBox: [Int] {
    let corners = bounds.corners
    return [corners.x0, corners.y0, corners.x1 - corners.x0, corners.y1 - corners.y0]
  }

  /// The same find with other pixels.
  func covering(_ pixels: RunLengthEncoding) -> AutomaticMask {
    var mask = self
    (mask.segmentation, mask.area, mask.bounds) = (pixels, pixels.area, pixels.bounds)
    return mask
  }

  /// Whether both are of the same pixels, scores and origin.
  public static func == (one: AutomaticMask, other: AutomaticMask) -> Bool {
    one.segmentation == other.segmentation && one.area == other.area && one.bounds == other.bounds
      && one.predictedIoU == other.predictedIoU && one.point == other.point
      && one.stabilityScore == other.stabilityScore && one.cropBox == other.cropBox
  }
}

/// How far a picture is.
public struct AutomaticMaskProgress: Sendable {
  /// Points that were asked about.
  public let done: Int
  /// Points there are.
  public let total: Int
  /// Masks found so far, duplicates included.
  public let masks: Int
}
