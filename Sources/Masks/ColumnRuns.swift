// Run lengths down the columns out of pixels that come row by row, as they lie in memory and as they are computed.

/// Finds where pixels change down the columns of a frame while rows of a part of it come in, top row first; all around
/// that part is background.
struct ColumnRuns {
  private let width: Int
  private let height: Int
  /// The columns that rows are of.
  private let columns: Range<Int>
  private var row: Int
  /// The latest row, and the first one of the frame if it was among them.
  private var above: [UInt8]
  private var top: [UInt8] = []
  /// Changes below the frame's first row, in the order in which they were found.
  private var changes: [(column: Int32, row: Int32)] = []

  /// - Parameters:
  ///   - width: columns of the frame.
  ///   - height: rows of the frame.
  ///   - columns: those that rows are of.
  ///   - row: the frame's row that comes first.
  init(width: Int, height: Int, columns: Range<Int>, from row: Int) {
    precondition(columns.lowerBound >= 0 && columns.upperBound <= width && row >= 0, "a part beyond its frame")
    self.width = width
    self.height = height
    self.columns = columns
    self.row = row
    above = [UInt8](repeating: 0, count: columns.count)
  }

  /// Takes the next row: 1 for foreground and 0 for background, one for each column.
  mutating func add(_ pixels: UnsafeBufferPointer<UInt8>) {
    precondition(pixels.count == columns.count && row < height, "a row beyond its frame")
    if row == 0 { top = Array(pixels) } else { compare(pixels) }
    row += 1
    above.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: pixels) }
  }

  private mutating func compare(_ pixels: UnsafeBufferPointer<UInt8>) {
    let (first, y) = (columns.lowerBound, Int32(row))
    above.withUnsafeBytes { above in
      let pixels = UnsafeRawBufferPointer(pixels)
      var x = 0
      while x < pixels.count {
        if x + 8 <= pixels.count,
          pixels.loadUnaligned(fromByteOffset: x, as: UInt64.self)
            == above.loadUnaligned(fromByteOffset: x, as: UInt64.self)
        {
          x += 8
          continue
        }
        let end = min(pixels.count, x + 8)
        while x < end {
          if pixels[x] != above[x] { changes.append((Int32(first + x), y)) }
          x += 1
        }
      }
    }
  }

  /// The runs; rows that didn't come are background.
  consuming func finish() -> RunLengthEncoding {
    guard width > 0, height > 0 else { return RunLengthEncoding(width: width, height: height, found: [0]) }
    if row < height {
      let blank = [UInt8](repeating: 0, count: columns.count)
      blank.withUnsafeBufferPointer { compare($0) }
      above = blank
    }
    if top.isEmpty { top = [UInt8](repeating: 0, count: columns.count) }
    // What stands first in a column follows what stood last in the one before.
    var places: [(column: Int32, row: Int32)] = []
    var before: UInt8 = 0
    for x in columns {
      let place = x - columns.lowerBound
      if top[place] != before { places.append((Int32(x), 0)) }
      before = above[place]
    }
    if before == 1, columns.upperBound < width { places.append((Int32(columns.upperBound), 0)) }
    places += changes
    // They came row by row; counted, they go into their columns in that order.
    var next = [Int](repeating: 0, count: width + 1)
    for place in places { next[Int(place.column) + 1] += 1 }
    for column in 0..<width { next[column + 1] += next[column] }
    var changed = [Int](repeating: 0, count: places.count)
    for place in places {
      changed[next[Int(place.column)]] = Int(place.column) * height + Int(place.row)
      next[Int(place.column)] += 1
    }
    let counts = zip([0] + changed, changed + [width * height]).map { $1 - $0 }
    return RunLengthEncoding(width: width, height: height, found: counts)
  }
}
