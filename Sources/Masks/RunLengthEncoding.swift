// Masks as COCO stores them: lengths of runs down the columns, packed into text, with a box and an area.
// Source: cocoapi common/maskApi.c, rleEncode, rleToString and rleFrString.

/// Lengths of alternating runs of background and foreground, column by column from the top left corner.
public struct RunLengthEncoding: Sendable, Equatable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Background first, perhaps of length 0; together `width · height`.
  public let counts: [Int]

  /// Runs of the given lengths.
  ///
  /// - Throws: `MaskError.malformedRunLengths` where one is negative or they don't add up to the mask's size.
  public init(width: Int, height: Int, counts: [Int]) throws(MaskError) {
    var rest = try Self.area(width: width, height: height)
    for (index, count) in counts.enumerated() {
      guard count >= 0 else { throw .malformedRunLengths(reason: "run \(index) has length \(count)") }
      guard count <= rest else {
        throw .malformedRunLengths(reason: "run \(index) goes beyond the \(width) × \(height) pixels")
      }
      rest -= count
    }
    guard rest == 0 else {
      throw .malformedRunLengths(reason: "\(rest) of \(width) × \(height) pixels are in no run")
    }
    self.width = width
    self.height = height
    self.counts = counts
  }

  /// The runs of a mask.
  public init(_ mask: BinaryMask) {
    var runs = ColumnRuns(width: mask.width, height: mask.height, columns: 0..<mask.width, from: 0)
    mask.pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<mask.height {
        runs.add(UnsafeBufferPointer(rebasing: pixels[y * mask.width..<(y + 1) * mask.width]))
      }
    }
    self = runs.finish()
  }

  /// Runs that are known to fill the mask.
  init(width: Int, height: Int, found counts: [Int]) {
    self.width = width
    self.height = height
    self.counts = counts
  }

  /// Adds pixels to the end of lengths that alternate, background first.
  static func extend(_ counts: inout [Int], with isForeground: Bool, by count: Int) {
    guard count > 0 else { return }
    if counts.count.isMultiple(of: 2) != isForeground { counts.append(0) }
    counts[counts.count - 1] += count
  }

  /// Foreground pixels.
  public var area: Int {
    stride(from: 1, to: counts.count, by: 2).reduce(0) { $0 + counts[$1] }
  }

  /// The runs that pycocotools packed into text.
  ///
  /// - Throws: `MaskError.malformedRunLengths` where the text is no such packing or does not fit the size.
  public init(width: Int, height: Int, compressed: String) throws(MaskError) {
    let area = try Self.area(width: width, height: height)
    var counts: [Int] = []
    var (value, shift) = (0, 0)
    for byte in compressed.utf8 {
      guard (48..<112).contains(byte) else {
        throw .malformedRunLengths(reason: "byte \(byte) is not one that the packing uses")
      }
      guard shift < 40 else { throw .malformedRunLengths(reason: "a length takes more than 8 characters") }
      let group = Int(byte) - 48
      value |= (group & 0x1F) << shift
      shift += 5
      if group & 0x20 != 0 { continue }
      if group & 0x10 != 0 { value -= 1 << shift }
      if counts.count > 2 { value += counts[counts.count - 2] }
      guard (0...area).contains(value) else {
        throw .malformedRunLengths(reason: "run \(counts.count) has length \(value)")
      }
      counts.append(value)
      (value, shift) = (0, 0)
    }
    guard shift == 0 else { throw .malformedRunLengths(reason: "the text ends within a length") }
    try self.init(width: width, height: height, counts: counts)
  }

  /// How many pixels a size has, which pycocotools counts in 32 bits.
  private static func area(width: Int, height: Int) throws(MaskError) -> Int {
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard width >= 0, height >= 0, !overflow, area <= Int(UInt32.max) else {
      throw .malformedRunLengths(reason: "a mask can't have \(width) × \(height) pixels")
    }
    return area
  }

  /// The text that pycocotools writes: each length from the fourth on as its difference to the length two before,
  /// in groups of five bits, lowest first, a sixth bit saying that more follow, offset to printable characters.
  public var compressed: String {
    var text: [UInt8] = []
    for index in counts.indices {
      var value = index > 2 ? counts[index] - counts[index - 2] : counts[index]
      var isUnfinished = true
      while isUnfinished {
        let group = UInt8(value & 0x1F)
        value >>= 5
        // The fifth bit is the sign, so that the rest must repeat it.
        isUnfinished = group & 0x10 != 0 ? value != -1 : value != 0
        text.append(group + (isUnfinished ? 0x20 : 0) + 48)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension RunLengthEncoding {
  /// Calls `body` with every run of foreground: a column, and the rows of it.
  public func forEachRun(_ body: (_ column: Int, _ rows: Range<Int>) -> Void) {
    var place = 0
    for (index, count) in counts.enumerated() {
      if index % 2 == 1, count > 0 {
        var (x, y) = place.quotientAndRemainder(dividingBy: height)
        var rest = count
        while rest > 0 {
          let end = min(height, y + rest)
          body(x, y..<end)
          rest -= end - y
          (x, y) = (x + 1, 0)
        }
      }
      place += count
    }
  }

  /// Gives the foreground a label among those of a picture of this size, which are row-major.
  func paint<Label>(_ label: Label, on labels: inout [Label]) {
    labels.withUnsafeMutableBufferPointer { labels in
      forEachRun { x, rows in
        for y in rows { labels[y * width + x] = label }
      }
    }
  }

  /// The smallest box around the foreground, in which a single pixel has width and height 1; all zero for an empty mask.
  public var bounds: PixelBox {
    var (left, right, top, bottom) = (width, -1, height, -1)
    forEachRun { x, rows in
      (left, right) = (min(left, x), x)
      (top, bottom) = (min(top, rows.lowerBound), max(bottom, rows.upperBound - 1))
    }
    return PixelBox(left: left, right: right, top: top, bottom: bottom)
  }
}

extension BinaryMask {
  /// The mask that run lengths describe.
  public init(_ runs: RunLengthEncoding) {
    var pixels = [UInt8](repeating: 0, count: runs.width * runs.height)
    runs.paint(1, on: &pixels)
    (width, height) = (runs.width, runs.height)
    self.pixels = pixels
  }
}

/// COCO's `{"size": [height, width], "counts": …}`: written compressed, read with either a text or a list of lengths.
extension RunLengthEncoding: Codable {
  private enum CodingKeys: String, CodingKey { case size, counts }

  /// Reads either form.
  ///
  /// - Throws: `DecodingError` where keys are missing or hold something else, `MaskError.malformedRunLengths`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let size = try fields.decode([Int].self, forKey: .size)
    guard size.count == 2 else {
      throw MaskError.malformedRunLengths(reason: "expected [height, width], found \(size)")
    }
    if let text = try? fields.decode(String.self, forKey: .counts) {
      try self.init(width: size[1], height: size[0], compressed: text)
    } else {
      try self.init(width: size[1], height: size[0], counts: fields.decode([Int].self, forKey: .counts))
    }
  }

  /// Writes the compressed form.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode([height, width], forKey: .size)
    try fields.encode(compressed, forKey: .counts)
  }
}

/// A mask in the terms of the COCO annotations: its fields stand in JSON under these names.
public struct COCOMask: Sendable, Equatable, Codable {
  /// The run lengths.
  public let segmentation: RunLengthEncoding
  /// Left, top, width and height in pixels; all zero for an empty mask.
  public let bbox: [Int]
  /// Foreground pixels.
  public let area: Int

  /// What COCO says of a mask.
  public init(_ mask: BinaryMask) { self.init(RunLengthEncoding(mask)) }

  /// What COCO says of a mask's run lengths.
  public init(_ runs: RunLengthEncoding) {
    segmentation = runs
    bbox = runs.bounds.coco
    area = runs.area
  }
}
