/// A block of Float32 numbers with a shape: row-major, contiguous, a value.
///
/// Reshapes and slices of the leading axis share memory; writing copies first if the memory is shared.
public struct Tensor: Sendable {
  /// The extent of every axis.
  public let shape: Shape
  private var storage: TensorStorage
  private var offset: Int

  private init(shape: Shape, storage: TensorStorage, offset: Int) {
    self.shape = shape
    self.storage = storage
    self.offset = offset
  }

  /// A tensor that `fill` writes whole; the memory it is given is uninitialised.
  public init(_ shape: Shape, filledBy fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    let storage = TensorStorage(count: shape.count)
    try fill(UnsafeMutableBufferPointer(start: storage.base, count: shape.count))
    self.init(shape: shape, storage: storage, offset: 0)
  }

  /// A tensor of the given elements in row-major order.
  public init(_ shape: Shape, _ elements: [Float]) {
    precondition(elements.count == shape.count, "\(elements.count) elements for shape \(shape)")
    self.init(shape) { memory in _ = memory.initialize(from: elements) }
  }

  /// A tensor of one repeated value.
  public init(repeating value: Float, _ shape: Shape) {
    self.init(shape) { $0.initialize(repeating: value) }
  }

  /// A read-only view of memory that `owner` keeps alive, such as a mapped file. Nothing is copied.
  public init(
    borrowing memory: UnsafePointer<Float>, _ shape: Shape, owner: any AnyObject & Sendable
  ) {
    self.init(shape: shape, storage: TensorStorage(borrowing: memory, owner: owner), offset: 0)
  }

  /// Bounds the memory that is held back from the system for tensors to come; 1 GiB unless told otherwise. A smaller
  /// bound costs time where tensors of many sizes take turns.
  public static func limitIdleMemory(bytes: Int) { StoragePool.limit(bytes: bytes) }

  /// How many elements.
  public var count: Int { shape.count }

  /// The elements, row-major, copied into an array.
  public var elements: [Float] { withElements { Array($0) } }

  /// Calls `body` with the elements, row-major.
  public func withElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.base + offset, count: count))
  }

  /// Calls `body` with the elements for writing, copying them first if anybody else can see them.
  public mutating func withMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    if storage.isReadOnly || !isKnownUniquelyReferenced(&storage) {
      let copy = TensorStorage(count: count)
      copy.base.initialize(from: storage.base + offset, count: count)
      storage = copy
      offset = 0
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.base + offset, count: count))
  }

  /// Calls `body` with the elements to read and where to write the new ones: the same memory if nobody else sees
  /// it, else fresh memory, so that nothing is copied first.
  public mutating func rewriteElements(
    _ body: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    if storage.isReadOnly || !isKnownUniquelyReferenced(&storage) {
      self = Tensor(shape) { target in withElements { body($0, target) } }
    } else {
      withMutableElements { body(UnsafeBufferPointer($0), $0) }
    }
  }

  /// The same elements under another shape of the same count. Shares memory.
  public consuming func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "can't reshape \(self.shape) to \(shape)")
    return Tensor(shape: shape, storage: storage, offset: offset)
  }

  /// Entry `index` of the leading axis, which is dropped. Shares memory.
  public subscript(index: Int) -> Tensor {
    precondition(shape.rank > 0 && index >= 0 && index < shape[0], "index \(index) of \(shape)")
    let rest = Shape(Array(shape.extents.dropFirst()))
    return Tensor(shape: rest, storage: storage, offset: offset + index * rest.count)
  }

  /// Entries `range` of the leading axis. Shares memory.
  public subscript(range: Range<Int>) -> Tensor {
    precondition(
      shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "range \(range) of \(shape)")
    let rest = Array(shape.extents.dropFirst())
    return Tensor(
      shape: Shape([range.count] + rest), storage: storage,
      offset: offset + range.lowerBound * Shape(rest).count)
  }
}
