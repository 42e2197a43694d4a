// What is done to masks before they are handed on, in one order everywhere.

/// How masks are cleaned: holes, islands, opening, closing, smoothing, and the largest component alone, in that order.
public struct CleanUp: Sendable, Hashable {
  /// Holes of fewer pixels are filled.
  public var holeArea = 0
  /// Islands of fewer pixels are removed, but for those that are more than half of their mask.
  public var islandArea = 0
  /// What masks are opened by.
  public var opening: MorphologyKernel?
  /// What masks are closed by.
  public var closing: MorphologyKernel?
  /// By how many pixels outlines may be smoothed: a square of as many pixels as the largest kernel has.
  public static let radii = 0...MorphologyKernel.sizes.upperBound / 2

  /// The radius in pixels by which outlines are smoothed.
  public var smoothing = 0
  /// Whether only the largest component stays.
  public var keepsLargest = false

  /// Nothing to do.
  public init() {}

  /// Whether there is anything to do.
  public var isEmpty: Bool { self == CleanUp() }

  /// A mask, cleaned.
  public func callAsFunction(_ mask: BinaryMask) -> BinaryMask {
    var mask = mask
    if holeArea > 1 { mask = mask.fillingHoles(area: holeArea - 1) }
    if islandArea > 1 { mask = mask.removingIslands(area: min(islandArea - 1, mask.area / 2)) }
    if let opening { mask = mask.opened(by: opening) }
    if let closing { mask = mask.closed(by: closing) }
    if smoothing > 0 { mask = mask.smoothed(radius: smoothing) }
    return keepsLargest ? mask.largestComponent : mask
  }
}
