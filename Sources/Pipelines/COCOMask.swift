import Media

/// A mask in the terms of the COCO annotations, as reports have it.
struct COCOMask: Codable {
  /// Compressed run lengths and the size that they fill.
  struct Segmentation: Codable {
    /// Height and width.
    let size: [Int]
    let counts: String
  }

  let segmentation: Segmentation
  /// Left, top, width and height.
  let bbox: [Int]
  let area: Int

  init(_ mask: BinaryMask) {
    let bounds = mask.bounds
    segmentation = Segmentation(size: [mask.height, mask.width], counts: RunLengthEncoding(mask).compressed)
    bbox = [bounds.x, bounds.y, bounds.width, bounds.height]
    area = mask.area
  }

  /// The pixels.
  ///
  /// - Throws: `MediaError` for run lengths that describe none.
  func pixels() throws -> BinaryMask {
    guard segmentation.size.count == 2 else {
      throw MediaError.malformedRunLengths(reason: "expected [height, width], found \(segmentation.size)")
    }
    return BinaryMask(
      try RunLengthEncoding(
        width: segmentation.size[1], height: segmentation.size[0], compressed: segmentation.counts))
  }
}
