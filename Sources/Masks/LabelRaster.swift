/// Which of many masks or objects every pixel belongs to: 16-bit numbers, one a pixel, 0 for none.
public struct LabelRaster: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Numbers of masks, row-major: `height · width`.
  public let labels: [UInt16]
  /// Whether 255 may stand for void: of numbers of eight bits.
  private let knowsVoid: Bool

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
    self.init(width: width, height: height, labels: labels)
  }

  /// A raster of `height · width` row-major numbers.
  public init(width: Int, height: Int, labels: [UInt16]) {
    precondition(labels.count == width * height, "\(labels.count) labels for \(width) × \(height) pixels")
    (self.width, self.height, self.labels) = (width, height, labels)
    knowsVoid = false
  }

  /// The raster of a map of eight bits, whose 255 may stand for void.
  public init(_ map: LabelMap) {
    (width, height, labels) = (map.width, map.height, map.labels.map(UInt16.init))
    knowsVoid = true
  }

  /// The raster of objects by their own numbers. Where they overlap the lowest number is seen, as in `LabelMap`.
  ///
  /// - Throws: `MaskError.objectOutOfRange` for numbers beyond 1 to 65535, `.sizeMismatch` for a mask of another size.
  public init(
    width: Int, height: Int, objects: [(object: Int, mask: BinaryMask)]
  ) throws(MaskError) {
    self.init(
      width: width, height: height, labels: try [UInt16](width: width, height: height, objects: objects))
  }

  /// The numbers that have a pixel at least, ascending.
  public var objects: [Int] {
    var isPresent = [Bool](repeating: false, count: Self.limit + 1)
    for label in labels { isPresent[Int(label)] = true }
    return (1...Self.limit).filter { isPresent[$0] }
  }

  /// Whether void is all that there is.
  public var isVoidAlone: Bool { knowsVoid && objects == [LabelMap.void] }

  /// The raster with void pixels made ground, as DAVIS's evaluator has them.
  public var withoutVoid: LabelRaster {
    guard knowsVoid else { return self }
    return LabelRaster(
      LabelMap(width: width, height: height, labels: labels.map { $0 == LabelMap.void ? 0 : UInt8($0) }))
  }

  /// What one file by itself means: void pixels are ground beside objects, and object 255 where they are all that there is.
  public var resolvingVoid: LabelRaster { isVoidAlone ? self : withoutVoid }

  /// The pixels of one object.
  public func mask(of object: Int) -> BinaryMask {
    BinaryMask(width: width, height: height, pixels: labels.map { Int($0) == object ? 1 : 0 })
  }

  /// The pixels that have a number.
  public var foreground: BinaryMask {
    BinaryMask(width: width, height: height, pixels: labels.map { $0 == 0 ? 0 : 1 })
  }
}
