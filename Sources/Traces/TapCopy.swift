import HDF5
import Taps
import Tensors

/// Writes taps of other traces as a trace: elements as they are stored, and what was stored once stays so.
struct TraceCopy {
  /// How arrays shall lie; as each of them does where it is nil.
  let storage: HDF5Storage?

  /// Bytes that are in memory at a time, where an array lies in one piece.
  private static let pieceBytes = 8 << 20

  /// Where an array of a source lies in it.
  private struct Source: Hashable {
    let file: ObjectIdentifier
    let address: UInt64
  }

  /// Writes taps in their order, of which each call's follow each other.
  func write(_ taps: [(listed: ListedTap, reader: TraceReader)], _ provenance: Provenance, to path: String)
    throws
  {
    let file = try HDF5NewFile(path)
    do {
      let root = try file.root()
      try provenance.write(to: root)
      _ = try root.createGroup(TraceSchema.taps)
      _ = try root.createGroup(TraceSchema.prediction)
      var written: [Source: String] = [:]
      var begun: Set<CallID> = []
      for (listed, reader) in taps {
        let tap = listed.tap
        if let call = tap.call, begun.insert(call).inserted {
          let group = try root.createGroup("\(TraceSchema.taps)/\(call)")
          for (name, number) in [
            (TraceSchema.sequence, listed.sequence), (TraceSchema.frame, tap.place.frame),
            (TraceSchema.object, tap.place.object),
          ] {
            if let number { try group.setAttribute(name, .integer(Int64(number))) }
          }
        }
        let source = tap.address.map { Source(file: ObjectIdentifier(reader), address: $0) }
        if let source, let existing = written[source] {
          try root.link(tap.object, to: existing)
        } else {
          try copy(tap, of: reader, to: root)
          if let source { written[source] = tap.object }
        }
      }
    }
    try file.commit()
  }

  private func copy(_ tap: Tap, of reader: TraceReader, to root: borrowing HDF5NewGroup) throws {
    let dataset = try reader.root.dataset(tap.object)
    let type = try dataset.elementType()
    let storage = self.storage ?? dataset.storage
    let copy = try root.createDataset(tap.object, type, dataset.shape, storage: storage)
    let pieces = copy.pieces(of: type, storage, bytes: Self.pieceBytes)
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: (pieces.map(\.count).max() ?? 0) * type.byteCount, alignment: 64)
    defer { memory.deallocate() }
    for piece in pieces {
      let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<(piece.count * type.byteCount)])
      try dataset.read(from: piece.lowerBound, into: bytes)
      try copy.write(UnsafeRawBufferPointer(bytes), at: piece.lowerBound)
    }
  }
}

/// Writes the sketches of taps of other recordings as a sketch; equal ones share a row.
struct SketchCopy {
  private let sketching: Sketching

  /// - Parameter sketching: How its sketches are, or shall be, made.
  init(_ sketching: Sketching) { self.sketching = sketching }

  /// Writes taps in their order.
  func write(_ taps: [(listed: ListedTap, run: Recording)], _ provenance: Provenance, to path: String) throws {
    let file = try HDF5NewFile(path)
    var rows: [Sketch: Int] = [:]
    /// Rows of arrays that a trace stores once under several names.
    var known: [UInt64: Int] = [:]
    let sketched = try taps.map { listed, run in
      let tap = listed.tap
      let row: Int
      if let seen = tap.address.flatMap({ known[$0] }) {
        row = seen
      } else {
        let sketch = try run.sketch(of: tap, sketching)
        row = rows[sketch] ?? rows.count
        rows[sketch] = row
        if let address = tap.address { known[address] = row }
      }
      return SketchedTap(
        name: tap.name, shape: tap.shape.extents, row: row, sequence: listed.sequence, frame: tap.place.frame,
        object: tap.place.object)
    }
    var tables = SketchTables(taps: sketched, rows: rows)
    tables.sketching = sketching
    do { try tables.write(to: try file.root(), provenance) }
    try file.commit()
  }
}
