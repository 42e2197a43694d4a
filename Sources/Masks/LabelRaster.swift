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
    for index in order { masks[index].paint(UInt16(index + 1), on: &labels) }
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
    labels = try [UInt16](width: width, height: height, objects: objects)
    self.width = width
    self.height = height
  }
}
