import Tensors

/// A rectangular block of an array: what HDF5 can select in one go.
struct ElementBlock: Equatable {
  /// The first index along each axis.
  let start: [Int]
  /// How many along each axis.
  let extent: [Int]

  /// How many elements.
  var count: Int { extent.reduce(1, *) }

  /// The blocks that make up a range of elements counted row-major, in order: at most 2 · rank − 1.
  static func covering(_ range: Range<Int>, of shape: Shape) -> [ElementBlock] {
    guard !range.isEmpty else { return [] }
    return covering(range, shape.extents[...], prefix: [])
  }

  private static func covering(_ range: Range<Int>, _ extents: ArraySlice<Int>, prefix: [Int]) -> [ElementBlock]
  {
    let ones = [Int](repeating: 1, count: prefix.count)
    guard extents.count > 1 else {
      return extents.isEmpty
        ? [ElementBlock(start: prefix, extent: ones)]
        : [ElementBlock(start: prefix + [range.lowerBound], extent: ones + [range.count])]
    }
    let inner = extents.dropFirst()
    let row = inner.reduce(1, *)
    func part(_ range: Range<Int>, ofRow index: Int) -> [ElementBlock] {
      covering(range.lowerBound - index * row..<range.upperBound - index * row, inner, prefix: prefix + [index])
    }
    let firstWhole = (range.lowerBound + row - 1) / row
    let endWhole = range.upperBound / row
    guard firstWhole <= endWhole else { return part(range, ofRow: endWhole) }
    var blocks: [ElementBlock] = []
    if range.lowerBound < firstWhole * row {
      blocks += part(range.lowerBound..<firstWhole * row, ofRow: firstWhole - 1)
    }
    if firstWhole < endWhole {
      let zeros = [Int](repeating: 0, count: inner.count)
      blocks.append(
        ElementBlock(start: prefix + [firstWhole] + zeros, extent: ones + [endWhole - firstWhole] + inner))
    }
    if endWhole * row < range.upperBound {
      blocks += part(endWhole * row..<range.upperBound, ofRow: endWhole)
    }
    return blocks
  }
}
