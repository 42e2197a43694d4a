import Taps
import HDF5
import Tensors

/// Writes the sketches of taps of other recordings as a sketch; equal ones share a row.
struct SketchCopy {
  let seed: UInt64
  let samples: Int

  /// Writes taps in their order.
  func write(_ taps: [(listed: ListedTap, run: RecordedRun)], _ provenance: Provenance, to path: String) throws
  {
    let file = try HDF5File.create(path)
    var rows: [Sketch: Int] = [:]
    /// Rows of arrays that a trace stores once under several names.
    var known: [UInt64: Int] = [:]
    let sketched = try taps.map { listed, run in
      let tap = listed.tap
      let row: Int
      if let seen = tap.address.flatMap({ known[$0] }) {
        row = seen
      } else {
        let sketch = try run.sketch(of: tap, seed: seed, samples: samples)
        row = rows[sketch] ?? rows.count
        rows[sketch] = row
        if let address = tap.address { known[address] = row }
      }
      return SketchedTap(
        name: tap.name, shape: tap.shape.extents, row: row, sequence: listed.sequence, frame: tap.place.frame,
        object: tap.place.object)
    }
    var tables = SketchTables(taps: sketched, rows: rows)
    (tables.seed, tables.samples) = (seed, samples)
    do { try tables.write(to: try file.root(), provenance) }
    try file.commit()
  }
}
