import HDF5
import Synchronization
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
  private let state: Mutex<State>

  private struct State: ~Copyable {
    let file: HDF5File
    /// The dataset read last, kept because ranges of one tap follow each other.
    var open: OpenDataset?
  }

  private struct OpenDataset: ~Copyable {
    let object: String
    let dataset: HDF5Dataset
    /// Its elements, if they can be read past the library.
    let elements: ContiguousElements?
  }

  /// Opens a trace.
  ///
  /// - Throws: `FileError` when there is no such file, `HDF5Error` when it is truncated or no HDF5 file,
  ///   `TraceError` when it is no trace of this version.
  public init(path: String) throws {
    self.path = path
    let file = try HDF5File.open(path)
    let root = try file.root()
    provenance = try Provenance(of: root, file: path)
    var listing = TapListing(file: path)
    taps = try listing.taps(of: root)
    positions = Dictionary(taps.enumerated().map { ($1.id, $0) }) { first, _ in first }
    state = Mutex(State(file: consume file))
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
    let elements = try elements(of: tap) { try $0.read(from: offset, into: buffer) }
    try elements?.read(from: offset, into: buffer)
  }

  /// Reads a whole tap.
  ///
  /// - Throws: `HDF5Error`.
  public func tensor(_ tap: Tap) throws -> Tensor {
    try Tensor(tap.shape) { try read(tap, from: 0, into: $0) }
  }

  /// Calls `body` with the file's root, alone.
  func withRoot<Result: Sendable>(_ body: (borrowing HDF5Group) throws -> Result) throws -> Result {
    try state.withLock { state in
      let root = try state.file.root()
      return try body(root)
    }
  }

  /// A whole tap that shares the file's memory if it lies there as it would in memory, else read.
  ///
  /// - Throws: `HDF5Error`.
  public func mappedTensor(_ tap: Tap) throws -> Tensor { try mapped(tap) ?? tensor(tap) }

  /// A whole tap that shares the file's memory, or nil if it does not lie there as it would in memory.
  ///
  /// - Throws: `HDF5Error`.
  public func mapped(_ tap: Tap) throws -> Tensor? { try elements(of: tap) { _ in }?.mapped(tap.shape) }

  /// A tap's elements where they can be read past the library; else `body` is given the dataset.
  private func elements(
    of tap: Tap, otherwise body: (borrowing HDF5Dataset) throws -> Void
  ) throws -> ContiguousElements? {
    try state.withLock { state in
      if let open = state.open.take(), open.object == tap.object {
        state.open = consume open
      } else {
        let dataset = try state.file.root().dataset(tap.object)
        let elements = try state.file.contiguousElements(of: dataset)
        state.open = OpenDataset(object: tap.object, dataset: dataset, elements: elements)
      }
      guard let open = state.open.take() else { return nil }
      let elements = open.elements
      if elements == nil { try body(open.dataset) }
      state.open = consume open
      return elements
    }
  }
}
