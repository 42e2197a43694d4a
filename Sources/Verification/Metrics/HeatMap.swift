import CVector
import Tensors

/// Where an array's errors are: the largest |reference − candidate| within each cell of a coarse grid, over all other
/// axes. An element that is NaN or infinite on one side only counts as infinite.
///
/// The grid lies over the last two axes; over the middle two of [B, H, W, C], which four axes are taken to be when the
/// middle two are equally long and the last two are not.
public struct HeatMap: Equatable, Sendable, Codable {
  /// How many rows of cells, at most 32.
  public let rows: Int
  /// How many columns of cells, at most 32.
  public let columns: Int
  /// The largest error in each cell, row by row.
  public let values: [Double]

  /// The most rows and columns.
  static let largestSide = 32
}

/// Fills a heat map piece by piece.
struct HeatMapGrid: Sendable {
  private let height: Int
  /// How many elements a row of the array has, those within a column together.
  private let rowLength: Int
  private let rows: Int
  /// Where in a row each column of cells begins, and the row's length.
  private let edges: [Int]
  private var values: [Float]

  /// The grid over arrays of that shape.
  init(_ shape: Shape) {
    let extents = [1, 1] + shape.extents
    let isChannelsLast = shape.rank == 4 && shape[1] == shape[2] && shape[2] != shape[3]
    let inner = isChannelsLast ? shape[3] : 1
    let width = isChannelsLast ? shape[2] : extents[extents.count - 1]
    height = isChannelsLast ? shape[1] : extents[extents.count - 2]
    rowLength = width * inner
    rows = min(height, HeatMap.largestSide)
    let columns = min(width, HeatMap.largestSide)
    edges = (0...columns).map { columns == 0 ? 0 : ($0 * width + columns - 1) / columns * inner }
    values = [Float](repeating: 0, count: rows * columns)
  }

  /// Adds elements of both arrays from the position `offset` on, counted row-major.
  mutating func add(
    _ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>, from offset: Int
  ) {
    guard let a = reference.baseAddress, let b = candidate.baseAddress, !values.isEmpty else { return }
    var next = 0
    while next < reference.count {
      let (row, within) = (offset + next).quotientAndRemainder(dividingBy: rowLength)
      let cells = row % height * rows / height * (edges.count - 1)
      var place = within
      for column in 0..<edges.count - 1 where edges[column + 1] > place && next < reference.count {
        let length = min(edges[column + 1] - place, reference.count - next)
        let largest = cvector_largest_difference(a + next, b + next, length)
        if largest > values[cells + column] { values[cells + column] = largest }
        next += length
        place += length
      }
    }
  }

  /// Adds what another grid over the same array has seen.
  mutating func merge(_ other: HeatMapGrid) {
    for cell in values.indices { values[cell] = max(values[cell], other.values[cell]) }
  }

  /// The map.
  var map: HeatMap { HeatMap(rows: rows, columns: edges.count - 1, values: values.map(Double.init)) }
}
