public import HDF5

/// Recordings made of other recordings. Outputs appear when they are whole.
extension RecordedRun {
  /// Writes what a selection keeps as a recording of the same kind and provenance.
  ///
  /// - Parameters:
  ///   - storage: How a trace's arrays shall lie; as each of them does where it is nil.
  /// - Returns: How many taps were kept.
  /// - Throws: `TraceError.nothingLeft` when none is, `HDF5Error`, `FileError`.
  @discardableResult
  public func cut(to path: String, keeping selection: TapSelection, storage: HDF5Storage? = nil) throws -> Int {
    let kept = try listing().filter(selection.keeps)
    guard !kept.isEmpty else { throw TraceError.nothingLeft(file: self.path) }
    switch self {
    case .trace(let reader):
      try TraceCopy(storage: storage).write(kept.map { ($0, reader) }, provenance, to: path)
    case .sketch(let reader):
      try SketchCopy(seed: reader.seed, samples: reader.sampleCount)
        .write(kept.map { ($0, self) }, provenance, to: path)
    }
    return kept.count
  }

  /// Writes the sketch of a trace, as recording one would have.
  ///
  /// - Returns: How many taps were sketched.
  /// - Throws: `TraceError.notATrace` for a sketch, `TraceError.nothingLeft`, `HDF5Error`, `FileError`.
  @discardableResult
  public func sketch(to path: String, keeping selection: TapSelection = TapSelection()) throws -> Int {
    guard case .trace = self else { throw TraceError.notATrace(file: self.path, found: SketchSchema.format) }
    let kept = try listing().filter(selection.keeps)
    guard !kept.isEmpty else { throw TraceError.nothingLeft(file: self.path) }
    try SketchCopy(seed: SketchSchema.seed, samples: SketchSchema.samples)
      .write(kept.map { ($0, self) }, provenance, to: path)
    return kept.count
  }

  /// Writes what several recordings of one run hold as one. What stands in more than one of them, as predictions mostly
  /// do, must be the same bit for bit.
  ///
  /// - Returns: How many taps it holds.
  /// - Throws: `TraceError.otherRun` and `TraceError.conflict`, which name what differs, `HDF5Error`, `FileError`.
  @discardableResult
  public static func merge(_ runs: [RecordedRun], to path: String) throws -> Int {
    guard let first = runs.first else { throw TraceError.nothingLeft(file: path) }
    let merged = try TraceMerge(runs).taps
    let provenance = first.provenance
    switch first {
    case .trace:
      let sources = merged.compactMap { listed, run -> (ListedTap, TraceReader)? in
        if case .trace(let reader) = run { (listed, reader) } else { nil }
      }
      try TraceCopy(storage: nil).write(sources, provenance, to: path)
    case .sketch(let reader):
      try SketchCopy(seed: reader.seed, samples: reader.sampleCount).write(merged, provenance, to: path)
    }
    return merged.count
  }
}
