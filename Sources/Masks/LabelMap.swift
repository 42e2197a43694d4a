/// Which object every pixel belongs to: object numbers, one a pixel, 0 for background.
public struct LabelMap: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Object numbers, row-major: `height · width`.
  public let labels: [UInt8]

  /// A map of `height · width` row-major object numbers.
  public init(width: Int, height: Int, labels: [UInt8]) {
    precondition(labels.count == width * height, "\(labels.count) labels for \(width) × \(height) pixels")
    self.width = width
    self.height = height
    self.labels = labels
  }

  /// The map of several objects' masks. Where masks overlap the lowest number wins, as in the official
  /// `vos_inference.py`.
  ///
  /// - Throws: `MaskError.objectOutOfRange` for numbers beyond 1 to 255, `.sizeMismatch` for a mask of another
  ///   size than the map's.
  public init(
    width: Int, height: Int, masks: [(object: Int, mask: BinaryMask)]
  ) throws(MaskError) {
    let labels = try [UInt8](width: width, height: height, objects: masks)
    self.init(width: width, height: height, labels: labels)
  }

  /// DAVIS's label of pixels that belong to nobody, unless it is the only one.
  public static let void = 255

  /// The objects that have a pixel at least, ascending.
  public var objects: [Int] {
    var isPresent = [Bool](repeating: false, count: 256)
    for label in labels { isPresent[Int(label)] = true }
    return (1..<256).filter { isPresent[$0] }
  }

  /// The map with void pixels made ground, as DAVIS's evaluator has them.
  public var withoutVoid: LabelMap {
    LabelMap(width: width, height: height, labels: labels.map { Int($0) == Self.void ? 0 : $0 })
  }

  /// The pixels of one object.
  public func mask(of object: Int) -> BinaryMask {
    BinaryMask(width: width, height: height, pixels: labels.map { Int($0) == object ? 1 : 0 })
  }
}

extension Array where Element: FixedWidthInteger {
  /// The numbers of objects, one a pixel, row-major, 0 for background. Where masks overlap the lowest number is seen.
  ///
  /// - Throws: `MaskError.objectOutOfRange` for numbers beyond 1 to `Element.max`, `.sizeMismatch` for a mask of another
  ///   size.
  init(width: Int, height: Int, objects: [(object: Int, mask: BinaryMask)]) throws(MaskError) {
    var labels = [Element](repeating: 0, count: width * height)
    for (object, mask) in objects.sorted(by: { $0.object > $1.object }) {
      guard let label = Element(exactly: object), label > 0 else {
        throw .objectOutOfRange(object: object, limit: Int(Element.max))
      }
      guard mask.width == width, mask.height == height else {
        throw .sizeMismatch(
          expectedWidth: width, expectedHeight: height, foundWidth: mask.width, foundHeight: mask.height)
      }
      for index in labels.indices where mask.pixels[index] != 0 { labels[index] = label }
    }
    self = labels
  }
}
