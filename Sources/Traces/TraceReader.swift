import HDF5
public import Taps
public import Tensors

/// One recorded array of a trace.
public struct Tap: Hashable, Sendable {
  /// What it is.
  public let id: TapID
  /// The extent of every axis.
  public let shape: Shape
  /// What of a video its call was for.
  public let place: TapPlace
  /// Its path in the file.
  let object: String
  /// Where a trace's file has the array: taps that share it have the same elements.
  public let address: UInt64?

  init(
    id: TapID, shape: Shape, place: TapPlace = TapPlace(), object: String, address: UInt64? = nil
  ) {
    self.id = id
    self.shape = shape
    self.place = place
    self.object = object
    self.address = address
  }

  /// Its name in files.
  public var name: String { id.name }

  /// The module it belongs to; nil for predictions.
  public var module: ModulePath? { id.module }

  /// The call it was recorded of; nil for predictions.
  public var call: CallID? { id.call }

  /// Whether it went into its module rather than coming out.
  public var isInput: Bool { id.isInput }

  /// Whether the module path, or the whole name, fits a pattern.
  public func matches(_ pattern: TapPattern) -> Bool { id.matches(pattern) }
}

/// A trace to read: what it holds is listed at once, elements come in ranges.
public final class TraceReader: Sendable {
  /// The trace's file.
  public let path: String
  /// Where the trace comes from.
  public let provenance: Provenance
  /// What was recorded, in the order in which calls returned, each call's inputs before its output; predictions last.
  public let taps: [Tap]
  /// Where each of them stands in `taps`.
  private let positions: [TapID: Int]
  let root: HDF5Group

  /// Opens a trace.
  ///
  /// - Throws: `FileError` when there is no such file, `HDF5Error` when it is truncated or no HDF5 file,
  ///   `TraceError` when it is no trace of this version.
  public init(path: String) throws {
    self.path = path
    let file = try HDF5File.open(path)
    root = file.root()
    provenance = try Provenance(of: root, file: path)
    var listing = TapListing(file: path)
    taps = try listing.taps(of: root)
    try Self.check(taps, of: file)
    positions = Dictionary(taps.enumerated().map { ($1.id, $0) }) { first, _ in first }
  }

  /// Bytes of all arrays, each as often as it has names, that any file may have, and how many times a larger one's own:
  /// more would take hours to go through.
  private static let mostBytes = (least: 1 << 30, ratio: 256)

  private static func check(_ taps: [Tap], of file: HDF5File) throws {
    let (scaled, isBeyond) = file.byteCount.multipliedReportingOverflow(by: mostBytes.ratio)
    let most = max(mostBytes.least, isBeyond ? .max : scaled)
    var total = 0
    for tap in taps {
      let (sum, overflow) = total.addingReportingOverflow(tap.shape.count * MemoryLayout<Float>.stride)
      guard !overflow, sum <= most else {
        throw TraceError.malformed(
          file: file.path, object: tap.name,
          expected:
            "at most \(most) bytes of arrays, each as often as it has names, in a file of \(file.byteCount)",
          found: "more")
      }
      total = sum
    }
  }

  /// What was recorded under that ID.
  ///
  /// - Throws: `TraceError.noSuchTap`.
  public func tap(_ id: TapID) throws -> Tap {
    guard let position = positions[id] else { throw TraceError.noSuchTap(file: path, name: id.name) }
    return taps[position]
  }

  /// The tap of that name.
  ///
  /// - Throws: `TraceError.noSuchTap`.
  public func tap(_ name: String) throws -> Tap { try tap(TapID(name)) }

  /// Reads a tap's elements, counted row-major, from `offset` on. Several threads may at a time; they take turns only
  /// where elements are compressed or of another type.
  ///
  /// - Throws: `HDF5Error`.
  public func read(_ tap: Tap, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    try root.dataset(tap.object).read(from: offset, into: buffer)
  }

  /// Reads a whole tap.
  ///
  /// - Throws: `HDF5Error`.
  public func tensor(_ tap: Tap) throws -> Tensor {
    try Tensor(tap.shape) { try read(tap, from: 0, into: $0) }
  }

  /// A whole tap that shares the file's memory if it lies there as it would in memory, else read.
  ///
  /// - Throws: `HDF5Error`.
  public func mappedTensor(_ tap: Tap) throws -> Tensor { try mapped(tap) ?? tensor(tap) }

  /// A whole tap that shares the file's memory, or nil if it does not lie there as it would in memory.
  ///
  /// - Throws: `HDF5Error`.
  public func mapped(_ tap: Tap) throws -> Tensor? {
    try root.dataset(tap.object).contiguousElements()?.mapped(tap.shape)
  }
}
