public import Tensors
public import Traces

/// The taps of a trace that fit a filter, as arrays to compare.
public struct TraceArrays: NamedArrays {
  /// Every tap's flattened name and shape, in the order of execution.
  public let arrays: [(name: String, shape: Shape)]
  private let reader: TraceReader
  private let taps: [String: Tap]

  /// The taps whose module path or whole name fits one of `patterns`; all when there are none.
  public init(_ reader: TraceReader, patterns: [TapPattern] = []) {
    let kept = reader.taps.filter { tap in patterns.isEmpty || patterns.contains { tap.matches($0) } }
    self.reader = reader
    arrays = kept.map { ($0.name, $0.shape) }
    taps = Dictionary(kept.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads elements of a tap.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    guard let tap = taps[name] else { throw TraceError.noSuchTap(file: reader.path, name: name) }
    try reader.read(tap, from: offset, into: buffer)
  }
}

/// Two traces or sketches compared: what is off, and whether they are of the same run at all.
public struct TraceComparison: Equatable, Sendable {
  /// One trace, by where it lies and comes from.
  public struct Side: Equatable, Sendable, Codable {
    /// The trace's file.
    public let path: String
    /// Where it comes from.
    public let provenance: Provenance
  }

  /// Something that should be the same in both traces and isn't.
  public struct Difference: Equatable, Sendable, Codable {
    /// The attribute, such as `input_sha256`.
    public let attribute: String
    /// Its value in the reference.
    public let reference: String
    /// Its value in the candidate.
    public let candidate: String
  }

  /// The trace that is taken to be right.
  public let reference: Side
  /// The trace that is held against it.
  public let candidate: Side
  /// What makes the comparison doubtful: another checkpoint, picture or prompt. It does not fail for that.
  public let differences: [Difference]
  /// The comparison of what was recorded.
  public let comparison: Comparison

  /// Compares two traces.
  ///
  /// - Parameter patterns: Which taps, by module path or whole name; all when there are none.
  /// - Throws: `HDF5Error` when a file turns out to be damaged.
  public init(
    reference: TraceReader, candidate: TraceReader, patterns: [TapPattern] = [],
    tolerance: Tolerance = Tolerance()
  ) throws {
    try self.init(
      reference: .trace(reference), candidate: .trace(candidate), patterns: patterns, tolerance: tolerance)
  }

  /// Compares two recordings: arrays if both are traces, sketches otherwise.
  ///
  /// - Parameter patterns: Which taps, by module path or whole name; all when there are none.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, `TraceError.sketchedOtherwise` when both are sketches
  ///   and kept different elements.
  public init(
    reference: RecordedRun, candidate: RecordedRun, patterns: [TapPattern] = [],
    tolerance: Tolerance = Tolerance()
  ) throws {
    self.reference = Side(path: reference.path, provenance: reference.provenance)
    self.candidate = Side(path: candidate.path, provenance: candidate.provenance)
    differences = try Self.differences(reference.provenance, candidate.provenance)
    if case .trace(let first) = reference, case .trace(let second) = candidate {
      let masks = first.taps.map(\.name).filter(TracePrediction.lowResLogits.isTap)
      let comparator = ArrayComparator(tolerance: tolerance, maskNames: Set(masks))
      comparison = try comparator.compare(
        TraceArrays(first, patterns: patterns), TraceArrays(second, patterns: patterns))
    } else {
      comparison = try SketchComparator(reference: reference, candidate: candidate)
        .compare(patterns: patterns, tolerance: tolerance)
    }
  }

  /// Values as the attributes have them, for people to read.
  private static func differences(_ reference: Provenance, _ candidate: Provenance) throws -> [Difference] {
    func pair(_ attribute: String, _ value: (Provenance) throws -> String) rethrows -> Difference {
      try Difference(attribute: attribute, reference: value(reference), candidate: value(candidate))
    }
    // Of two files that were made of one large checkpoint, one may know only its directory's digest.
    let isWhole = !reference.checkpointSHA256.isEmpty && !candidate.checkpointSHA256.isEmpty
    let directories = [reference.checkpointDirectorySHA256, candidate.checkpointDirectorySHA256]
    let checkpoint =
      isWhole || directories.contains(nil)
      ? pair("checkpoint_sha256", \.checkpointSHA256)
      : pair("checkpoint_directory_sha256") { $0.checkpointDirectorySHA256 ?? "" }
    let pairs = [
      checkpoint, pair("input_sha256", \.inputSHA256),
      try pair("input") { try JSONText.encode($0.input) },
      try pair("prompts") { try JSONText.encode($0.prompts) },
    ]
    return pairs.filter { $0.reference != $0.candidate }
  }
}
