/// Which of many masks every pixel belongs to: 16-bit numbers, one a pixel, 0 for none.
public struct LabelRaster: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Numbers of masks, row-major: `height · width`.
  public let labels: [UInt16]

  /// How many masks there can be, and the largest number of an object.
  public static let limit = Int(UInt16.max)

  /// The raster of masks that are numbered from 1 in their order; where they overlap the smallest is seen, of several the
  /// first.
  ///
  /// - Throws: `MaskError.sizeMismatch` for a mask of another size, `.tooManyMasks`.
  public init(width: Int, height: Int, masks: [RunLengthEncoding]) throws(MaskError) {
    guard masks.count <= Self.limit else { throw .tooManyMasks(found: masks.count, limit: Self.limit) }
    for mask in masks where mask.width != width || mask.height != height {
      throw .sizeMismatch(
        expectedWidth: width, expectedHeight: height, foundWidth: mask.width, foundHeight: mask.height)
    }
    let areas = masks.map(\.area)
    let order = masks.indices.sorted { areas[$0] == areas[$1] ? $0 > $1 : areas[$0] > areas[$1] }
    var labels = [UInt16](repeating: 0, count: width * height)
    labels.withUnsafeMutableBufferPointer { labels in
      for index in order {
        masks[index].forEachRun { x, rows in
          for y in rows { labels[y * width + x] = UInt16(index + 1) }
        }
      }
    }
    self.width = width
    self.height = height
    self.labels = labels
  }

  /// The raster of objects by their own numbers. Where they overlap the lowest number is seen, as in `LabelMap`.
  ///
  /// - Throws: `MaskError.objectOutOfRange` for numbers beyond 1 to 65535, `.sizeMismatch` for a mask of another size.
  public init(
    width: Int, height: Int, objects: [(object: Int, mask: BinaryMask)]
  ) throws(MaskError) {
    var labels = [UInt16](repeating: 0, count: width * height)
    for (object, mask) in objects.sorted(by: { $0.object > $1.object }) {
      guard let label = UInt16(exactly: object), label > 0 else {
        throw .objectOutOfRange(object: object, limit: Self.limit)
      }
      guard mask.width == width, mask.height == height else {
        throw .sizeMismatch(
          expectedWidth: width, expectedHeight: height, foundWidth: mask.width, foundHeight: mask.height)
      }
      for index in labels.indices where mask.pixels[index] != 0 { labels[index] = label }
    }
    self.width = width
    self.height = height
    self.labels = labels
  }
}
