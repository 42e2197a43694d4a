/// A block of numbers of one element type, with a shape: a value over counted memory.
///
/// Float32, row-major and without gaps is what operations take, and what a tensor is unless it was made otherwise; other
/// element types are stored, handed over and converted (`converted(to:)`). Reshapes and slices of the leading axis share
/// memory, and so do views, whose axes lie in another order or at other distances; writing copies first if the memory is
/// shared.
public struct Tensor: Sendable {
  /// The extent of every axis.
  public let shape: Shape
  /// How each element is encoded.
  public let elementType: ElementType
  var storage: TensorStorage
  /// Where the first element stands in the storage, in elements.
  var offset: Int
  /// The distances between neighbours along each axis, in elements; nil where they are `shape.strides`.
  let viewStrides: [Int]?

  init(
    _ shape: Shape, _ elementType: ElementType, _ storage: TensorStorage, offset: Int = 0,
    viewStrides: [Int]? = nil
  ) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
    self.offset = offset
    self.viewStrides = viewStrides
  }

  /// A tensor that `fill` writes whole; the memory it is given is uninitialised.
  public init(_ shape: Shape, filledBy fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    let storage = TensorStorage(byteCount: shape.count * MemoryLayout<Float>.stride)
    try fill(UnsafeMutableBufferPointer(start: storage.elements(), count: shape.count))
    self.init(shape, .float32, storage)
  }

  /// A tensor of the given elements in row-major order.
  public init(_ shape: Shape, _ elements: [Float]) { self.init(shape, of: .float32, elements) }

  /// A tensor of one repeated value.
  public init(repeating value: Float, _ shape: Shape) {
    self.init(shape) { $0.initialize(repeating: value) }
  }

  /// A tensor of `type` that `fill` writes whole; the memory it is given is uninitialised. Traps where `Element` isn't
  /// what `type` is held in.
  public init<Element: TensorElement>(
    _ shape: Shape, of type: ElementType,
    filledBy fill: (UnsafeMutableBufferPointer<Element>) throws -> Void
  ) rethrows {
    precondition(Element.holds(type), "\(type.rawValue) isn't held in \(Element.self)")
    let storage = TensorStorage(byteCount: shape.count * type.byteCount)
    try fill(UnsafeMutableBufferPointer(start: storage.elements(), count: shape.count))
    self.init(shape, type, storage)
  }

  /// A tensor of `type` of the given elements in row-major order.
  public init<Element: TensorElement>(_ shape: Shape, of type: ElementType, _ elements: [Element]) {
    precondition(elements.count == shape.count, "\(elements.count) elements for shape \(shape)")
    self.init(shape, of: type) { memory in _ = memory.initialize(from: elements) }
  }

  /// A tensor of `type` whose elements are copied from bytes in the machine's order, which need not be aligned.
  public init(_ shape: Shape, of type: ElementType, copying bytes: UnsafeRawBufferPointer) {
    precondition(
      bytes.count == shape.count * type.byteCount, "\(bytes.count) bytes for \(type.rawValue) \(shape)")
    let storage = TensorStorage(byteCount: bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyMemory(from: bytes)
    self.init(shape, type, storage)
  }

  /// A read-only view of memory that `owner` keeps alive, such as a mapped file. Nothing is copied. The memory holds
  /// `shape.count` elements and is aligned to them.
  public init(
    borrowing memory: UnsafeRawPointer, _ shape: Shape, of type: ElementType = .float32,
    owner: any AnyObject & Sendable
  ) {
    self.init(shape, type, TensorStorage(borrowing: memory, owner: owner))
  }

  /// Bounds the memory that is held back from the system for tensors to come; 1 GiB unless told otherwise. A smaller
  /// bound costs time where tensors of many sizes take turns.
  public static func limitIdleMemory(bytes: Int) { StoragePool.limit(bytes: bytes) }

  /// How many elements.
  public var count: Int { shape.count }

  /// Bytes of the elements, without gaps.
  public var byteCount: Int { count * elementType.byteCount }

  /// The elements, row-major, copied into an array. Traps where they aren't Float32.
  public var elements: [Float] { contiguous().withElements { Array($0) } }

  /// Calls `body` with the elements, row-major. Traps where they aren't Float32, or lie as in a view.
  public func withElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    requireRowMajor(Float.self)
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.elements() + offset, count: count))
  }

  /// Calls `body` with the elements for writing, copying them first if anybody else can see them. Traps where they aren't
  /// Float32, or lie as in a view.
  public mutating func withMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    requireRowMajor(Float.self)
    if storage.isReadOnly || !isKnownUniquelyReferenced(&storage) {
      let copy = TensorStorage(byteCount: byteCount)
      copy.base.copyMemory(from: storage.elements(of: Float.self) + offset, byteCount: byteCount)
      storage = copy
      offset = 0
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.elements() + offset, count: count))
  }

  /// Calls `body` with the elements to read and where to write the new ones: the same memory if nobody else sees
  /// it, else fresh memory, so that nothing is copied first. Traps where they aren't Float32, or lie as in a view.
  public mutating func rewriteElements(
    _ body: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    if storage.isReadOnly || !isKnownUniquelyReferenced(&storage) {
      self = Tensor(shape) { target in withElements { body($0, target) } }
    } else {
      withMutableElements { body(UnsafeBufferPointer($0), $0) }
    }
  }

  /// Calls `body` with the elements, row-major, as what their type is held in: `UInt16` for the bits of a bfloat16. Traps
  /// where they are held in something else, or lie as in a view.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    requireRowMajor(type)
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.elements() + offset, count: count))
  }

  /// Calls `body` with the bytes of the elements, row-major, in the machine's order. Traps where they lie as in a view.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    precondition(isContiguous, "a view of shape \(shape) has to be made contiguous() first")
    defer { withExtendedLifetime(storage) {} }
    let start = storage.base + offset * elementType.byteCount
    return try body(UnsafeRawBufferPointer(start: start, count: byteCount))
  }

  /// Traps unless the elements are held in `Element` and lie row-major.
  @inline(__always)
  private func requireRowMajor<Element: TensorElement>(_ type: Element.Type) {
    guard Element.holds(elementType), viewStrides == nil else { refuse(type) }
  }

  @inline(never)
  private func refuse<Element>(_ type: Element.Type) -> Never {
    if viewStrides != nil {
      preconditionFailure("a view of shape \(shape), strides \(strides), has to be made contiguous() first")
    }
    preconditionFailure("elements of a \(elementType.rawValue) tensor \(shape) were asked for as \(type)")
  }
}
