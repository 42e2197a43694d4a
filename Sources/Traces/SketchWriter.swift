import Foundation
import HDF5
import Synchronization
public import Taps
public import Tensors

/// A sketch being written: every tensor is reduced at once, equal ones share a row, and the file appears when it is
/// finished.
public final class SketchWriter: TapWriter {
  /// Where the sketch will stand.
  public let path: String
  private let provenance: Provenance
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var file: HDF5NewFile?
    var taps: [SketchedTap] = []
    var rows: [Sketch: Int] = [:]
    var recent = RecentTensors()
    var failure: (any Error)?
  }

  /// Starts a sketch, which replaces whatever stands at `path` only when it is finished.
  ///
  /// - Throws: `FileError.unwritable`, `HDF5Error`.
  public init(path: String, provenance: Provenance) throws {
    self.path = path
    self.provenance = provenance
    state = Mutex(State(file: try HDF5NewFile(path)))
  }

  /// Sketches what went into and came out of one call of a module.
  ///
  /// - Throws: `TraceError.badName`, `TraceError.finished`.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace,
    inputs: [(String, any TapValue)], output: any TapValue
  ) throws {
    try append { state in
      let call = CallID(module, call)
      guard TraceSchema.isLinkName(module.name) else {
        throw TraceError.badName(file: path, name: module.name)
      }
      for (parameter, value) in inputs {
        try value.visitTensors(named: "\(TraceSchema.input)/\(parameter)") {
          try add($1, TapID(call, $0), sequence, place, &state)
        }
      }
      try output.visitTensors(named: TraceSchema.output) {
        try add($1, TapID(call, $0), sequence, place, &state)
      }
    }
  }

  /// Sketches one of the run's predictions.
  ///
  /// - Throws: `TraceError.finished`.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {
    try append { try add(tensor, prediction.tap(at: place), nil, TapPlace(), &$0) }
  }

  /// Writes the tables and puts the file in its place.
  ///
  /// - Throws: What stopped the writing, `TraceError.finished`, `HDF5Error` and `FileError` from the disk.
  public func finish() throws {
    try state.withLock { state in
      guard let file = state.file.take() else { throw state.failure ?? TraceError.finished(file: path) }
      state.recent = RecentTensors()
      try SketchTables(taps: state.taps, rows: state.rows).write(to: try file.root(), provenance)
      try file.commit()
    }
  }

  private func append(_ body: (inout State) throws -> Void) throws {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      guard state.file != nil else { throw TraceError.finished(file: path) }
      do {
        try body(&state)
      } catch {
        state.failure = error
        state.file = nil
        throw error
      }
    }
  }

  private func add(
    _ tensor: Tensor, _ id: TapID, _ sequence: Int?, _ place: TapPlace, _ state: inout State
  ) throws {
    let name = id.name
    for step in name.split(separator: "/", omittingEmptySubsequences: false) {
      guard TraceSchema.isLinkName(String(step)) else { throw TraceError.badName(file: path, name: name) }
    }
    let row: Int
    if let known = state.recent.path(of: tensor).flatMap({ Int($0) }) {
      row = known
    } else {
      let sketch = Sketch(of: tensor)
      row = state.rows[sketch] ?? state.rows.count
      state.rows[sketch] = row
      state.recent.remember(tensor, at: "\(row)")
    }
    state.taps.append(
      SketchedTap(
        name: name, shape: tensor.shape.extents, row: row, sequence: sequence, frame: place.frame,
        object: place.object))
  }
}

/// What a sketch file holds, in the order of its listing.
struct SketchTables {
  private var taps: [SketchedTap]
  private var sketches: [Sketch] = []
  /// How the arrays were sketched.
  var sketching = Sketching()

  /// Taps as a trace lists them; rows numbered by their first use.
  init(taps: [SketchedTap], rows: [Sketch: Int]) {
    var sketchOfRow = [Sketch?](repeating: nil, count: rows.count)
    for (sketch, row) in rows { sketchOfRow[row] = sketch }
    var numbers: [Int: Int] = [:]
    self.taps = TapOrder.sorted(taps, id: { TapID($0.name) }, sequence: \.sequence)
    for index in self.taps.indices {
      let old = self.taps[index].row
      if let number = numbers[old] {
        self.taps[index].row = number
      } else if let sketch = sketchOfRow[old] {
        numbers[old] = sketches.count
        self.taps[index].row = sketches.count
        sketches.append(sketch)
      }
    }
  }

  func write(to root: borrowing HDF5NewGroup, _ provenance: Provenance) throws {
    try provenance.write(to: root, format: SketchSchema.format, version: SketchSchema.version)
    try root.setAttribute(SketchSchema.seedAttribute, .integer(Int64(bitPattern: sketching.seed)))
    try table(root, SketchSchema.counts, .int64, columns: 3) {
      [Int64($0.count), Int64($0.nan), Int64($0.infinite)]
    }
    try table(root, SketchSchema.statistics, .float64, columns: 5) {
      [$0.least, $0.largest, $0.mean, $0.deviation, $0.norm]
    }
    try table(root, SketchSchema.samplesTable, .float32, columns: sketching.samples, \.samples)
    try table(root, SketchSchema.projections, .float64, columns: Sketcher.projectionCount, \.projections)
    let listing = Array(try JSONText.encode(taps).utf8)
    try listing.withUnsafeBytes {
      try root.write(SketchSchema.taps, $0, as: .uint8, [listing.count], storage: .compressed)
    }
  }

  /// Writes a row for every sketch; the machine's byte order is little-endian wherever this package runs.
  private func table<Element>(
    _ root: borrowing HDF5NewGroup, _ name: String, _ type: ElementType, columns: Int,
    _ row: (Sketch) -> [Element]
  ) throws {
    try sketches.flatMap(row).withUnsafeBytes {
      try root.write(name, $0, as: type, [sketches.count, columns], storage: .compressed)
    }
  }
}
