import HDF5
public import Taps
import Tensors

/// A sketch to read: small, so that all of it is read at once.
public struct SketchReader: Sendable {
  /// The sketch's file.
  public let path: String
  /// Where the recorded run comes from.
  public let provenance: Provenance
  /// How its arrays were sketched.
  public let kind: Sketching
  /// What was sketched, in the order in which calls returned, each call's inputs before its output; predictions last.
  public let taps: [Tap]
  /// The same, as the file lists it.
  let listing: [SketchedTap]
  private let sketches: [Sketch]
  private let rows: [TapID: Int]

  /// Opens a sketch.
  ///
  /// - Throws: `FileError` when there is no such file, `HDF5Error` when it is truncated or no HDF5 file, `TraceError` when
  ///   it is no sketch of this version.
  public init(path: String) throws {
    self.path = path
    let root = try HDF5File.open(path).root()
    provenance = try Provenance(
      of: root, file: path, format: SketchSchema.format, version: SketchSchema.version)
    guard case .integer(let seed) = try root.attribute(SketchSchema.seedAttribute) else {
      throw TraceError.badAttribute(
        file: path, attribute: SketchSchema.seedAttribute, expected: "a whole number", found: "something else")
    }
    let tables = SketchTableReader(file: path)
    listing = try tables.listing(of: root)
    sketches = try tables.sketches(of: root, taps: listing.count)
    kind = Sketching(
      seed: UInt64(bitPattern: seed), samples: try root.dataset(SketchSchema.samplesTable).shape[-1])
    for tap in listing {
      guard sketches.indices.contains(tap.row), sketches[tap.row].count == tap.elementCount else {
        throw TraceError.malformed(
          file: path, object: tap.name, expected: "the row of an array of shape \(tap.shape)",
          found: "row \(tap.row)")
      }
    }
    taps = listing.map { tap in
      Tap(
        id: TapID(tap.name), shape: Shape(tap.shape), place: TapPlace(frame: tap.frame, object: tap.object),
        object: tap.name)
    }
    rows = Dictionary(zip(taps, listing).map { ($0.id, $1.row) }) { first, _ in first }
  }

  /// The sketch of a tap.
  ///
  /// - Throws: `TraceError.noSuchTap`.
  public func sketch(of id: TapID) throws -> Sketch {
    guard let row = rows[id] else { throw TraceError.noSuchTap(file: path, name: id.name) }
    return sketches[row]
  }
}

extension SketchedTap {
  /// The product of the extents; nil where no array can have them.
  fileprivate var elementCount: Int? { Shape(counting: shape)?.count }
}

/// Reads the tables of a sketch file, checking that they fit each other.
private struct SketchTableReader {
  let file: String
  /// Bytes of the listing, and of each table, that any file may have, and how many times a larger file's own bytes. Of
  /// honest ones the numbers, which are as good as random, hardly become smaller, and names by less.
  private static let mostBytes = (least: 4 << 20, ratio: 48)

  func listing(of root: HDF5Group) throws -> [SketchedTap] {
    let text: [UInt8] = try elements(of: root, SketchSchema.taps, .uint8, columns: nil)
    do {
      return try JSONText.decode(String(decoding: text, as: UTF8.self))
    } catch {
      throw TraceError.malformed(
        file: file, object: "/\(SketchSchema.taps)", expected: "the JSON of the schema", found: "another text")
    }
  }

  /// The sketches of a listing that names so many taps.
  func sketches(of root: HDF5Group, taps: Int) throws -> [Sketch] {
    let counts: [Int64] = try elements(of: root, SketchSchema.counts, .int64, columns: 3)
    let rows = counts.count / 3
    guard rows <= taps else {
      throw TraceError.malformed(
        file: file, object: "/\(SketchSchema.counts)", expected: "at most a row for each of \(taps) taps",
        found: "\(rows)")
    }
    let statistics: [Double] = try elements(of: root, SketchSchema.statistics, .float64, columns: 5)
    let projections: [Double] = try elements(
      of: root, SketchSchema.projections, .float64, columns: Sketcher.projectionCount)
    let width = try root.dataset(SketchSchema.samplesTable).shape.extents.last ?? 0
    let samples: [Float] = try elements(of: root, SketchSchema.samplesTable, .float32, columns: width)
    guard statistics.count == 5 * rows, projections.count == Sketcher.projectionCount * rows,
      samples.count == width * rows
    else {
      throw TraceError.malformed(
        file: file, object: "/", expected: "tables of equally many rows",
        found: "\(counts.count), \(statistics.count), \(samples.count) and \(projections.count) numbers")
    }
    return try (0..<rows).map { row in
      let (count, nan, infinite) = (Int(counts[3 * row]), Int(counts[3 * row + 1]), Int(counts[3 * row + 2]))
      guard nan >= 0, infinite >= 0, nan <= count, infinite <= count - nan else {
        throw TraceError.malformed(
          file: file, object: "/\(SketchSchema.counts)",
          expected: "NaN and infinite elements among those of row \(row)",
          found: "\(nan) and \(infinite) of \(count)")
      }
      let statistics = statistics[(5 * row)...]
      return Sketch(
        count: count, nan: nan, infinite: infinite,
        least: statistics[5 * row], largest: statistics[5 * row + 1], mean: statistics[5 * row + 2],
        deviation: statistics[5 * row + 3], norm: statistics[5 * row + 4],
        samples: Array(samples[width * row..<width * (row + 1)]),
        projections: Array(
          projections[Sketcher.projectionCount * row..<Sketcher.projectionCount * (row + 1)]))
    }
  }

  /// All elements of a table with so many columns, or of any table or list.
  private func elements<Element: Numeric>(
    of root: HDF5Group, _ name: String, _ type: ElementType, columns: Int?
  ) throws -> [Element] {
    let dataset = try root.dataset(name)
    let found = try dataset.elementType()
    let isTable = columns.map { dataset.shape.rank == 2 && dataset.shape[1] == $0 } ?? true
    guard found == type, isTable else {
      throw TraceError.malformed(
        file: file, object: "/\(name)",
        expected: "\(type.rawValue)" + (columns.map { " in \($0) columns" } ?? ""),
        found: "\(found.rawValue) of shape \(dataset.shape)")
    }
    let stored = dataset.storedByteCount.multipliedReportingOverflow(by: Self.mostBytes.ratio)
    let most = max(Self.mostBytes.least, stored.overflow ? 0 : stored.partialValue)
    guard dataset.shape.count <= most / type.byteCount else {
      throw TraceError.malformed(
        file: file, object: "/\(name)", expected: "at most \(most) bytes, as many as are stored may stand for",
        found: "\(type.rawValue) of shape \(dataset.shape)")
    }
    var elements = [Element](repeating: 0, count: dataset.shape.count)
    try elements.withUnsafeMutableBytes { try dataset.read(into: $0) }
    return elements
  }
}
