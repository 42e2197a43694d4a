import HDF5
public import Taps
import Tensors

/// The recording of a run to read: a trace or a sketch, as the file says.
public enum Recording: Sendable {
  /// Every array.
  case trace(TraceReader)
  /// What tells arrays apart.
  case sketch(SketchReader)

  /// Opens either.
  ///
  /// - Throws: As `TraceReader` and `SketchReader`.
  public static func open(path: String) throws -> Recording {
    try Provenance.isOfSketch(path: path)
      ? .sketch(SketchReader(path: path)) : .trace(TraceReader(path: path))
  }

  /// Opens either, or says by nil that an HDF5 file is neither.
  ///
  /// - Throws: As `open`.
  public static func openIfRecorded(path: String) throws -> Recording? {
    switch try HDF5File.open(path).root().attribute("format") {
    case .string(TraceSchema.format): .trace(try TraceReader(path: path))
    case .string(SketchSchema.format): .sketch(try SketchReader(path: path))
    default: nil
    }
  }

  /// The file.
  public var path: String {
    switch self {
    case .trace(let reader): reader.path
    case .sketch(let reader): reader.path
    }
  }

  /// Where the run comes from.
  public var provenance: Provenance {
    switch self {
    case .trace(let reader): reader.provenance
    case .sketch(let reader): reader.provenance
    }
  }

  /// What was recorded, in the order in which calls returned, each call's inputs before its output; predictions last.
  public var taps: [Tap] {
    switch self {
    case .trace(let reader): reader.taps
    case .sketch(let reader): reader.taps
    }
  }

  /// How its arrays were sketched; nil for a trace, which holds them whole.
  public var sketching: Sketching? { if case .sketch(let reader) = self { reader.kind } else { nil } }

  /// A tap's sketch; a trace's tap is read piece by piece.
  ///
  /// - Throws: `TraceError.sketchedOtherwise` for a sketch that was made in another way, `HDF5Error`.
  public func sketch(of tap: Tap, _ sketching: Sketching) throws -> Sketch {
    switch self {
    case .sketch(let reader): try reader.sketch(of: tap.id, sketching)
    case .trace(let reader):
      try Sketch(count: tap.shape.count, sketching) { try reader.read(tap, from: $0, into: $1) }
    }
  }
}

extension SketchReader {
  /// A tap's sketch, which must have been made in that way.
  ///
  /// - Throws: `TraceError.noSuchTap`, `TraceError.sketchedOtherwise`.
  public func sketch(of id: TapID, _ sketching: Sketching) throws -> Sketch {
    guard kind == sketching else {
      throw TraceError.sketchedOtherwise(
        file: path, expected: "seed \(sketching.seed) and \(sketching.samples) samples",
        found: "seed \(kind.seed) and \(kind.samples) samples")
    }
    return try sketch(of: id)
  }
}
