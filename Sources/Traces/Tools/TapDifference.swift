import HDF5
import Tensors

/// How one tap's content differs in two recordings.
public struct TapDifference: Equatable, Sendable, Codable {
  /// The tap's flattened name.
  public let name: String
  /// What differs: `shape`, `sequence`, `frame`, `object`, `type` or `elements`.
  public let of: String
  /// What it is in the first recording; of elements, the first that differs.
  public let first: String
  /// What it is in the second.
  public let second: String
  /// How many elements differ, where they do and both recordings are traces.
  public var count: Int?
  /// Where the first of them stands.
  public var index: [Int]?

  /// In words.
  public var account: String {
    guard let count, let index else { return "\(of) \(second) instead of \(first)" }
    return "\(count) elements that differ, first at \(index): \(second) instead of \(first)"
  }

  /// How elements differ, bit for bit, of two taps of one shape; nil where they don't. Where one side is a sketch the
  /// sketches are compared.
  static func between(
    _ one: Tap, of first: RecordedRun, _ other: Tap, of second: RecordedRun
  ) throws -> TapDifference? {
    if case .trace(let first) = first, case .trace(let second) = second {
      return try between(one, of: first, other, of: second)
    }
    let (seed, samples) =
      first.sketchParameters ?? second.sketchParameters ?? (SketchSchema.seed, SketchSchema.samples)
    let before = try first.sketch(of: one, seed: seed, samples: samples)
    let after = try second.sketch(of: other, seed: seed, samples: samples)
    guard !before.hasSameBits(as: after) else { return nil }
    return TapDifference(name: one.name, of: "elements", first: before.summary, second: after.summary)
  }

  /// Elements of either side that are in memory at a time.
  private static let piece = 1 << 20

  private static func between(
    _ one: Tap, of first: TraceReader, _ other: Tap, of second: TraceReader
  ) throws -> TapDifference? {
    // Never both at once: of one file opened twice, or of two, each has a lock of its own.
    let type = try first.withRoot { try $0.dataset(one.object).elementType() }
    let otherType = try second.withRoot { try $0.dataset(other.object).elementType() }
    guard type == otherType else {
      return TapDifference(name: one.name, of: "type", first: type.rawValue, second: otherType.rawValue)
    }
    let (size, total) = (type.byteCount, one.shape.count)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size * min(total, piece), alignment: 64)
    defer { memory.deallocate() }
    var count = 0
    var position: Int?
    for offset in stride(from: 0, to: total, by: piece) {
      let length = min(piece, total - offset) * size
      let before = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
      let after = UnsafeMutableRawBufferPointer(rebasing: memory[length..<2 * length])
      try first.withRoot { try $0.dataset(one.object).read(from: offset, into: before) }
      try second.withRoot { try $0.dataset(other.object).read(from: offset, into: after) }
      if before.elementsEqual(after) { continue }
      for start in stride(from: 0, to: length, by: size)
      where !before[start..<start + size].elementsEqual(after[start..<start + size]) {
        count += 1
        if position == nil { position = offset + start / size }
      }
    }
    guard let position else { return nil }
    func value(_ tap: Tap, _ reader: TraceReader) throws -> String {
      "\(try Tensor([1]) { try reader.read(tap, from: position, into: $0) }.elements[0])"
    }
    return TapDifference(
      name: one.name, of: "elements", first: try value(one, first), second: try value(other, second),
      count: count,
      index: zip(one.shape.extents, one.shape.strides).map { position / $1 % $0 })
  }
}

extension RecordedRun {
  /// What a sketch's positions and signs depend on, and how many samples it has; nil for a trace.
  var sketchParameters: (seed: UInt64, samples: Int)? {
    guard case .sketch(let reader) = self else { return nil }
    return (reader.seed, reader.sampleCount)
  }
}

extension Sketch {
  /// Whether all is the same bit for bit, NaN too.
  fileprivate func hasSameBits(as other: Sketch) -> Bool {
    let numbers: (Sketch) -> [UInt64] = { sketch in
      ([sketch.least, sketch.largest, sketch.mean, sketch.deviation, sketch.norm] + sketch.projections)
        .map(\.bitPattern)
    }
    return count == other.count && nan == other.nan && infinite == other.infinite
      && samples.map(\.bitPattern) == other.samples.map(\.bitPattern) && numbers(self) == numbers(other)
  }

  fileprivate var summary: String { "a sketch of norm \(norm), mean \(mean), \(least) to \(largest)" }
}
