public import HDF5
import Taps
import Tensors

/// Recordings made of other recordings. Outputs appear when they are whole.
extension Recording {
  /// Writes what a selection keeps as a recording of the same kind and provenance.
  ///
  /// - Parameters:
  ///   - storage: How a trace's arrays shall lie; as each of them does where it is nil.
  /// - Returns: How many taps were kept.
  /// - Throws: `TraceError.unmatched`, `.nothingLeft` when none is, `HDF5Error`, `FileError`.
  @discardableResult
  public func cut(to path: String, keeping selection: TapSelection, storage: HDF5Storage? = nil) throws -> Int {
    let listing = try listing()
    try selection.check(listing, file: self.path)
    let kept = listing.filter(selection.keeps)
    guard !kept.isEmpty else { throw TraceError.nothingLeft(file: self.path) }
    switch self {
    case .trace(let reader):
      try TraceCopy(storage: storage).write(kept.map { ($0, reader) }, provenance, to: path)
    case .sketch(let reader):
      try SketchCopy(reader.kind)
        .write(kept.map { ($0, self) }, provenance, to: path)
    }
    return kept.count
  }

  /// Writes the sketch of a trace, as recording one would have.
  ///
  /// - Returns: How many taps were sketched.
  /// - Throws: `TraceError.notATrace` for a sketch, `.unmatched`, `.nothingLeft`, `HDF5Error`, `FileError`.
  @discardableResult
  public func sketch(to path: String, keeping selection: TapSelection = TapSelection()) throws -> Int {
    guard case .trace = self else { throw TraceError.notATrace(file: self.path, found: SketchSchema.format) }
    let listing = try listing()
    try selection.check(listing, file: self.path)
    let kept = listing.filter(selection.keeps)
    guard !kept.isEmpty else { throw TraceError.nothingLeft(file: self.path) }
    try SketchCopy(Sketching())
      .write(kept.map { ($0, self) }, provenance, to: path)
    return kept.count
  }

  /// Writes what several recordings of one run hold as one. What stands in more than one of them, as predictions mostly
  /// do, must be the same bit for bit.
  ///
  /// - Returns: How many taps it holds.
  /// - Throws: `TraceError.otherRun` and `TraceError.conflict`, which name what differs, `HDF5Error`, `FileError`.
  @discardableResult
  public static func merge(_ runs: [Recording], to path: String) throws -> Int {
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
      try SketchCopy(reader.kind).write(merged, provenance, to: path)
    }
    return merged.count
  }
}

/// What several recordings of one run hold together.
struct TraceMerge {
  /// Every tap once, in the order of execution, with the first recording that has it.
  let taps: [(listed: ListedTap, run: Recording)]

  /// - Throws: `TraceError.otherRun`, `TraceError.conflict`.
  init(_ runs: [Recording]) throws {
    var taps: [(listed: ListedTap, run: Recording)] = []
    var places: [TapID: Int] = [:]
    var calls: [Int: (call: CallID, file: String)] = [:]
    for run in runs {
      if let first = runs.first { try Self.check(run, isOfTheRunOf: first) }
      for listed in try run.listing() {
        let id = listed.tap.id
        if let sequence = listed.sequence, let call = listed.tap.call {
          if let other = calls[sequence], other.call != call {
            throw TraceError.conflict(
              file: run.path, name: "\(call)", expected: "a position of its own in the run",
              found: "\(sequence), which is that of \(other.call) in \(other.file)")
          }
          calls[sequence] = (call, run.path)
        }
        guard let place = places[id] else {
          places[id] = taps.count
          taps.append((listed, run))
          continue
        }
        try Self.check(listed, of: run, is: taps[place].listed, of: taps[place].run)
      }
    }
    self.taps = TapOrder.sorted(taps, id: \.listed.tap.id, sequence: \.listed.sequence)
  }

  private static func check(_ run: Recording, isOfTheRunOf first: Recording) throws {
    let differences = try TraceDifference.attributes(first, run)
    if let difference = differences.first {
      throw TraceError.otherRun(
        file: run.path, attribute: difference.attribute, expected: difference.first, found: difference.second)
    }
  }

  private static func check(
    _ listed: ListedTap, of run: Recording, is known: ListedTap, of first: Recording
  ) throws {
    func conflict(_ expected: String, _ found: String) -> TraceError {
      .conflict(
        file: run.path, name: listed.tap.name, expected: "\(expected) as in \(first.path)", found: found)
    }
    guard listed.sequence == known.sequence else {
      throw conflict("position \(known.sequence ?? -1) in the run", "\(listed.sequence ?? -1)")
    }
    guard listed.tap.place == known.tap.place else { throw conflict("the same frame and object", "others") }
    guard listed.tap.shape == known.tap.shape else {
      throw conflict("shape \(known.tap.shape)", "\(listed.tap.shape)")
    }
    if let difference = try TapDifference.between(known.tap, of: first, listed.tap, of: run) {
      throw conflict("the same elements", difference.account)
    }
  }
}
