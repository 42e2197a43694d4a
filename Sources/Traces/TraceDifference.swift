import HDF5
public import Taps
import Tensors

/// What differs between what two recordings hold, exactly: no tolerance, every bit counts.
public struct TraceDifference: Equatable, Sendable, Codable {
  /// An attribute of the root that differs.
  public struct Attribute: Equatable, Sendable, Codable {
    /// Its name.
    public let attribute: String
    /// Its value in the first recording.
    public let first: String
    /// Its value in the second.
    public let second: String
  }

  /// The first recording's file.
  public let first: String
  /// The second recording's file.
  public let second: String
  /// Where they come from, prompts and input included, and of sketches how they were made.
  public let attributes: [Attribute]
  /// Names of taps that the first alone has.
  public let onlyInFirst: [String]
  /// Names of taps that the second alone has.
  public let onlyInSecond: [String]
  /// How taps differ that both have.
  public let taps: [TapDifference]
  /// How many taps are the same in both.
  public let equalTaps: Int

  /// Whether nothing differs.
  public var isEmpty: Bool { attributes.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty && taps.isEmpty }

  /// Compares two recordings.
  ///
  /// - Parameters:
  ///   - patterns: Which taps, by module path or whole name; all when there are none.
  ///   - ignoring: Names of attributes that may differ.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, `TraceError.sketchedOtherwise`, `.unmatched`.
  public init(
    _ first: Recording, _ second: Recording, patterns: [TapPattern] = [], ignoring: Set<String> = []
  ) throws {
    self.first = first.path
    self.second = second.path
    attributes = try Self.attributes(first, second).filter { !ignoring.contains($0.attribute) }
    func kept(_ run: Recording) throws -> [ListedTap] {
      try run.listing().filter { listed in patterns.isEmpty || patterns.contains { listed.tap.matches($0) } }
    }
    let (ours, theirs) = (try kept(first), try kept(second))
    try TapSelection(patterns: patterns).check(ours + theirs, file: "\(first.path) and \(second.path)")
    let found = Dictionary(theirs.map { ($0.tap.id, $0) }) { first, _ in first }
    let known = Set(ours.map(\.tap.id))
    onlyInFirst = ours.map(\.tap).filter { found[$0.id] == nil }.map(\.name)
    onlyInSecond = theirs.map(\.tap).filter { !known.contains($0.id) }.map(\.name)
    var taps: [TapDifference] = []
    var equal = 0
    for listed in ours {
      guard let other = found[listed.tap.id] else { continue }
      let differences = try Self.differences(listed, of: first, other, of: second)
      if differences.isEmpty { equal += 1 }
      taps += differences
    }
    self.taps = taps
    equalTaps = equal
  }

  private static func differences(
    _ one: ListedTap, of first: Recording, _ other: ListedTap, of second: Recording
  ) throws -> [TapDifference] {
    func words(_ number: Int?) -> String { number.map { "\($0)" } ?? "none" }
    let numbers = [
      ("sequence", one.sequence, other.sequence), ("frame", one.tap.place.frame, other.tap.place.frame),
      ("object", one.tap.place.object, other.tap.place.object),
    ]
    var found = numbers.filter { $0.1 != $0.2 }.map { what, before, after in
      TapDifference(name: one.tap.name, of: what, first: words(before), second: words(after))
    }
    if one.tap.shape != other.tap.shape {
      found.append(
        TapDifference(
          name: one.tap.name, of: "shape", first: "\(one.tap.shape)", second: "\(other.tap.shape)"))
    } else if let difference = try TapDifference.between(one.tap, of: first, other.tap, of: second) {
      found.append(difference)
    }
    return found
  }

  /// The attributes that differ, as the format names them.
  static func attributes(_ first: Recording, _ second: Recording) throws -> [Attribute] {
    zip(try first.attributes(), try second.attributes()).filter { $0.value != $1.value }.map {
      Attribute(attribute: $0.name, first: $0.value, second: $1.value)
    }
  }
}

extension Recording {
  /// What the root says, in a fixed order.
  fileprivate func attributes() throws -> [(name: String, value: String)] {
    let own = provenance
    return [
      ("format", sketching == nil ? TraceSchema.format : SketchSchema.format),
      ("producer", own.producer), ("producer_version", own.producerVersion), ("backend", own.backend),
      ("backend_version", own.backendVersion), ("kernels", own.kernels ?? ""), ("precision", own.precision),
      ("threads", "\(own.threads)"),
      ("checkpoint_sha256", own.checkpointSHA256),
      ("checkpoint_directory_sha256", own.checkpointDirectorySHA256 ?? ""), ("input_sha256", own.inputSHA256),
      ("input", try JSONText.encode(own.input)), ("prompts", try JSONText.encode(own.prompts)),
      ("configuration", own.configuration), ("plan", own.plan ?? ""),
      ("wholes", own.wholes.joined(separator: ", ")),
      ("sketch_seed", sketching.map { "\($0.seed)" } ?? ""),
      ("samples", sketching.map { "\($0.samples)" } ?? ""),
    ]
  }
}

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
    _ one: Tap, of first: Recording, _ other: Tap, of second: Recording
  ) throws -> TapDifference? {
    if case .trace(let first) = first, case .trace(let second) = second {
      return try between(one, of: first, other, of: second)
    }
    let sketching = first.sketching ?? second.sketching ?? Sketching()
    let before = try first.sketch(of: one, sketching)
    let after = try second.sketch(of: other, sketching)
    guard !before.hasSameBits(as: after) else { return nil }
    return TapDifference(name: one.name, of: "elements", first: before.summary, second: after.summary)
  }

  /// Elements of either side that are in memory at a time.
  private static let piece = 1 << 20

  private static func between(
    _ one: Tap, of first: TraceReader, _ other: Tap, of second: TraceReader
  ) throws -> TapDifference? {
    let (stored, otherStored) = (try first.root.dataset(one.object), try second.root.dataset(other.object))
    let (type, otherType) = (try stored.elementType(), try otherStored.elementType())
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
      try stored.read(from: offset, into: before)
      try otherStored.read(from: offset, into: after)
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
