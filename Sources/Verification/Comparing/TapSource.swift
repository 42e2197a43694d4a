public import Taps
public import Tensors
public import Traces

/// One array that a source offers.
public struct SourceArray: Hashable, Sendable {
  /// What it is.
  public let id: TapID
  /// The extent of every axis.
  public let shape: Shape

  /// An array of that shape.
  public init(_ id: TapID, _ shape: Shape) {
    self.id = id
    self.shape = shape
  }
}

/// Arrays by tap, in an order: one side of a comparison. Either its elements can be read, or it holds sketches.
///
/// Several threads read at a time.
public protocol TapSource: Sendable {
  /// Where it lies and comes from.
  var side: Verdict.Side { get }

  /// Every array, in order.
  var arrays: [SourceArray] { get }

  /// How its arrays were sketched, if it holds sketches alone; nil if it has elements.
  var sketching: Sketching? { get }

  /// Reads elements of an array, counted row-major, from `offset` on; only of a source that has elements.
  func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws

  /// An array's sketch, made in that way.
  ///
  /// - Throws: What reading throws, and where the source holds sketches that were made in another way.
  func sketch(of array: SourceArray, _ sketching: Sketching) throws -> Sketch

  /// A whole array where it lies, in memory that the source shares; nil if it has to be read.
  func mapped(_ id: TapID) throws -> Tensor?

  /// A number that arrays share if they are stored once under several names; nil if that isn't known.
  func storage(of id: TapID) -> UInt64?
}

extension TapSource {
  /// It has elements.
  public var sketching: Sketching? { nil }

  /// Made of the elements, piece by piece.
  public func sketch(of array: SourceArray, _ sketching: Sketching) throws -> Sketch {
    try Sketch(count: array.shape.count, sketching) { try read(array.id, from: $0, into: $1) }
  }

  /// It has to be read.
  public func mapped(_ id: TapID) throws -> Tensor? { nil }

  /// That isn't known.
  public func storage(of id: TapID) -> UInt64? { nil }
}

extension TraceReader: TapSource {
  /// The trace's file and provenance.
  public var side: Verdict.Side { .init(path: path, provenance: provenance) }

  /// Its taps, in the order of execution.
  public var arrays: [SourceArray] { taps.map { SourceArray($0.id, $0.shape) } }

  /// Reads elements of a tap.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    try read(tap(id), from: offset, into: buffer)
  }

  /// A tap that shares the file's memory.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func mapped(_ id: TapID) throws -> Tensor? { try mapped(tap(id)) }

  /// Where the file has a tap's elements.
  public func storage(of id: TapID) -> UInt64? { (try? tap(id))?.address }
}

extension SketchReader: TapSource {
  /// The sketch's file and provenance.
  public var side: Verdict.Side { .init(path: path, provenance: provenance) }

  /// Its taps, in the order of execution.
  public var arrays: [SourceArray] { taps.map { SourceArray($0.id, $0.shape) } }

  /// How its arrays were sketched.
  public var sketching: Sketching? { kind }

  /// There is nothing to read.
  public func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    preconditionFailure("\(path): \(id): elements of a sketch")
  }

  /// A tap's sketch.
  ///
  /// - Throws: `TraceError.noSuchTap`, `TraceError.sketchedOtherwise`.
  public func sketch(of array: SourceArray, _ sketching: Sketching) throws -> Sketch {
    try sketch(of: array.id, sketching)
  }
}

extension Recording {
  /// What it holds, as one side of a comparison.
  public var source: any TapSource {
    switch self {
    case .trace(let reader): reader
    case .sketch(let reader): reader
    }
  }
}

/// Tensors in memory as one side of a comparison.
public struct HeldTensors: TapSource {
  /// What they are called.
  public let side: Verdict.Side
  /// Each tensor's place in the order, and shape.
  public let arrays: [SourceArray]
  private let tensors: [TapID: Tensor]

  /// Tensors by tap, in order.
  ///
  /// - Parameter side: What they are called and come from.
  public init(_ tensors: [(TapID, Tensor)], side: Verdict.Side = .init(path: "memory", provenance: nil)) {
    self.side = side
    arrays = tensors.map { SourceArray($0, $1.shape) }
    self.tensors = Dictionary(tensors) { first, _ in first }
  }

  /// Copies elements of a tensor.
  public func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    tensors[id]?.withElements { _ = buffer.update(fromContentsOf: $0[offset..<offset + buffer.count]) }
  }

  /// The tensor itself.
  public func mapped(_ id: TapID) throws -> Tensor? { tensors[id] }
}
