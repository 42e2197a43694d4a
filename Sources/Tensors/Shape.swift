/// The extents of a tensor, outermost axis first.
public struct Shape: Hashable, Sendable, Codable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of each axis.
  public let extents: [Int]

  /// A shape of the given extents.
  public init(_ extents: [Int]) { self.extents = extents }

  /// The shape of those extents, which a file or a user names; nil where one is negative, or where an array of so many
  /// numbers of 8 bytes could have no size. Extents of zero don't hide others.
  public init?(counting extents: [Int]) {
    var bytes = 8
    for extent in extents where extent != 0 {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow else { return nil }
      bytes = product
    }
    self.extents = extents
  }

  /// A shape written as a list.
  public init(arrayLiteral elements: Int...) { extents = elements }

  /// How many axes.
  public var rank: Int { extents.count }

  /// How many elements: the product of the extents, 1 for a scalar.
  public var count: Int { extents.reduce(1, *) }

  /// The extent of an axis; negative numbers count from the last.
  public subscript(axis: Int) -> Int { extents[axis < 0 ? axis + extents.count : axis] }

  /// The distance between neighbours along each axis, in elements, when stored row-major.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * extents[axis + 1]
    }
    return strides
  }

  /// `[2, 3]`, or `[]` for a scalar.
  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }

  /// Reads a JSON list of extents.
  public init(from decoder: any Decoder) throws { extents = try [Int](from: decoder) }

  /// Writes a JSON list of extents.
  public func encode(to encoder: any Encoder) throws { try extents.encode(to: encoder) }
}
