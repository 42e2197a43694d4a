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
