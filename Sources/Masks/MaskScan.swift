// What there is to know of a mask, found in one pass over its logits row by row, so that no picture of logits is held.

/// A mask being looked through: rows of logits come in, areas, box and run lengths come out.
public struct MaskScan {
  /// The logits that a pixel must exceed to be one of three kinds.
  public struct Thresholds: Sendable, Hashable {
    /// To belong to the mask.
    public let mask: Float
    /// By how much that is raised and lowered to see whether the mask holds.
    public let offset: Float

    /// Thresholds in logits.
    public init(mask: Float = 0, offset: Float = 1) {
      self.mask = mask
      self.offset = offset
    }

    /// What pixels must exceed to belong to the mask for certain; to belong to it possibly.
    var certain: Float { mask + offset }
    var possible: Float { mask - offset }

    /// The least of the three: what doesn't exceed it counts for nothing.
    public var lowest: Float { min(mask, possible, certain) }
  }

  private let thresholds: Thresholds
  private let columns: Range<Int>
  private var row: Int
  private var runs: ColumnRuns
  private var pixels: [UInt8]
  private var (certain, possible, area) = (0, 0, 0)
  private var (left, right, top, bottom) = (Int.max, -1, -1, -1)

  /// A pass over a part of a frame; outside of it the mask is taken to be background.
  ///
  /// - Parameters:
  ///   - width: columns of the frame that run lengths are of.
  ///   - height: rows of that frame.
  ///   - columns: those that the rows to come are of.
  ///   - row: the frame's row that comes first.
  public init(width: Int, height: Int, columns: Range<Int>, from row: Int, _ thresholds: Thresholds) {
    self.thresholds = thresholds
    self.columns = columns
    self.row = row
    runs = ColumnRuns(width: width, height: height, columns: columns, from: row)
    pixels = [UInt8](repeating: 0, count: columns.count)
  }

  /// Takes the next row of logits, one for each column; what is not a number is background.
  public mutating func add(_ logits: UnsafeBufferPointer<Float>) {
    precondition(logits.count == columns.count, "\(logits.count) logits for \(columns.count) columns")
    let (mask, high, low) = (thresholds.mask, thresholds.certain, thresholds.possible)
    var (above, certain, possible) = (Int32(0), Int32(0), Int32(0))
    pixels.withUnsafeMutableBufferPointer { pixels in
      for x in 0..<logits.count {
        let logit = logits[x]
        let isInside: UInt8 = logit > mask ? 1 : 0
        pixels[x] = isInside
        above &+= Int32(isInside)
        certain &+= logit > high ? 1 : 0
        possible &+= logit > low ? 1 : 0
      }
    }
    self.certain += Int(certain)
    self.possible += Int(possible)
    if above > 0 {
      area += Int(above)
      if top < 0 { top = row }
      bottom = row
      if let first = pixels.firstIndex(of: 1) { left = min(left, columns.lowerBound + first) }
      if let last = pixels.lastIndex(of: 1) { right = max(right, columns.lowerBound + last) }
    }
    pixels.withUnsafeBufferPointer { runs.add($0) }
    row += 1
  }

  /// What was found.
  public consuming func finish() -> ScannedMask {
    ScannedMask(
      runs: runs.finish(), area: area,
      bounds: PixelBox(left: left, right: right, top: top, bottom: bottom),
      stabilityScore: possible > 0 ? Float(certain) / Float(possible) : nil)
  }
}

/// What one pass over a mask's logits found.
public struct ScannedMask: Sendable, Equatable {
  /// The mask.
  public let runs: RunLengthEncoding
  /// Its foreground pixels.
  public let area: Int
  /// The smallest box around them; all zero for an empty mask.
  public let bounds: PixelBox
  /// The IoU of the areas above the raised and the lowered threshold; nil where even the larger is empty.
  public let stabilityScore: Float?
}
