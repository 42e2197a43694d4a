import HDF5
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

  /// Elements of a trace's tap that are in memory at a time.
  private static let slab = 1 << 20

  /// A tap's sketch; a trace's tap is read piece by piece.
  ///
  /// - Parameters:
  ///   - seed: What positions and signs shall depend on.
  ///   - samples: How many elements to keep.
  /// - Throws: `TraceError.sketchedOtherwise` for a sketch of another seed or number of samples, `HDF5Error`.
  public func sketch(of tap: Tap, seed: UInt64, samples: Int) throws -> Sketch {
    switch self {
    case .sketch(let reader):
      guard reader.seed == seed, reader.sampleCount == samples else {
        throw TraceError.sketchedOtherwise(
          file: reader.path, expected: "seed \(seed) and \(samples) samples",
          found: "seed \(reader.seed) and \(reader.sampleCount) samples")
      }
      return try reader.sketch(of: tap.name)
    case .trace(let reader):
      var sketcher = Sketcher(count: tap.shape.count, seed: seed, samples: samples)
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.slab)
      defer { memory.deallocate() }
      for offset in stride(from: 0, to: tap.shape.count, by: Self.slab) {
        let piece = UnsafeMutableBufferPointer(rebasing: memory[..<min(Self.slab, tap.shape.count - offset)])
        try reader.read(tap, from: offset, into: piece)
        sketcher.add(UnsafeBufferPointer(piece))
      }
      return sketcher.sketch
    }
  }
}
