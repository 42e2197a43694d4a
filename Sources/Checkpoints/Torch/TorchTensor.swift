import Tensors

/// One run of memory in a torch archive, which several tensors may look into.
struct TorchStorage: Hashable, Sendable {
  /// The number that names its entry, `data/<key>`.
  let key: String
  /// The type of its elements, or nil where it is counted in bytes.
  let elementType: ElementType?
  let count: Int
  /// Where it begins within what the key names, in elements: above 0 only for views of before PyTorch 1.6.
  var start = 0

  /// How many bytes its entry must hold, or nil beyond what can be addressed.
  var byteCount: Int? {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: elementType?.byteCount ?? 1)
    return overflow ? nil : bytes
  }
}

/// A view of a storage: checked on making, so that every element it names lies inside.
/// Source: torch/_utils.py, _rebuild_tensor.
struct TorchTensor: Equatable, Sendable {
  let storage: TorchStorage
  let elementType: ElementType
  /// In elements from the storage's start.
  let offset: Int
  let shape: Shape
  /// In elements, per axis.
  let strides: [Int]
  /// How many bytes its elements take when written out row-major.
  let byteCount: Int
  /// Whether the elements lie row-major and without gaps.
  let isContiguous: Bool

  init(
    storage: TorchStorage, elementType: ElementType, offset: Int, extents: [Int], strides: [Int],
    maximumRank: Int
  ) throws(TensorGeometryError) {
    let key = storage.key
    guard extents.count <= maximumRank else {
      throw .rank(storage: key, found: extents.count, limit: maximumRank)
    }
    guard strides.count == extents.count else {
      throw .strideCount(storage: key, expected: extents.count, found: strides.count)
    }
    for (field, numbers) in [("offset", [offset]), ("extent", extents), ("stride", strides)] {
      for number in numbers where number < 0 { throw .negative(storage: key, field: field, found: number) }
    }
    guard let byteCount = Self.byteCount(extents, elementType) else {
      throw .overflow(storage: key, extents: extents)
    }
    let available = storage.elementType == nil ? storage.count / elementType.byteCount : storage.count
    guard storage.elementType == nil || storage.elementType == elementType,
      let end = Self.end(offset, extents, strides), end <= available
    else {
      throw .outside(
        storage: key, count: available, offset: offset, extents: extents, strides: strides)
    }
    self.storage = storage
    self.elementType = elementType
    self.offset = offset
    shape = Shape(extents)
    self.strides = strides
    self.byteCount = byteCount
    isContiguous =
      byteCount == 0 || zip(extents, zip(strides, shape.strides)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }

  /// Where its first element lies, in bytes from the storage's start; 0 where it has none.
  var byteOffset: Int { byteCount == 0 ? 0 : offset * elementType.byteCount }

  /// The bytes of so many elements, or nil where the product overflows. Zero extents don't hide an overflow.
  static func byteCount(_ extents: [Int], _ type: ElementType) -> Int? {
    var product = type.byteCount
    for extent in extents {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      if overflow { return nil }
      product = next
    }
    return extents.contains(0) ? 0 : product
  }

  /// One past the last element that the view touches, or nil where that overflows.
  private static func end(_ offset: Int, _ extents: [Int], _ strides: [Int]) -> Int? {
    guard !extents.contains(0) else { return offset }
    var last = offset
    for (extent, stride) in zip(extents, strides) {
      let (span, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, carried) = last.addingReportingOverflow(span)
      if overflow || carried { return nil }
      last = sum
    }
    let (end, overflow) = last.addingReportingOverflow(1)
    return overflow ? nil : end
  }
}

/// Why a tensor's description is refused.
public enum TensorGeometryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// More axes than PyTorch has.
  case rank(storage: String, found: Int, limit: Int)
  /// Another number of strides than of extents.
  case strideCount(storage: String, expected: Int, found: Int)
  /// A negative offset, extent or stride.
  case negative(storage: String, field: String, found: Int)
  /// Extents whose product overflows.
  case overflow(storage: String, extents: [Int])
  /// Elements outside the storage, or of another type.
  case outside(storage: String, count: Int, offset: Int, extents: [Int], strides: [Int])

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .rank(let storage, let found, let limit):
      "expected a tensor of storage \(storage) to have at most \(limit) axes, found \(found)"
    case .strideCount(let storage, let expected, let found):
      "expected \(expected) strides for a tensor of storage \(storage), found \(found)"
    case .negative(let storage, let field, let found):
      "expected no negative \(field) in a tensor of storage \(storage), found \(found)"
    case .overflow(let storage, let extents):
      "expected a tensor of storage \(storage) to fit memory, found shape \(extents)"
    case .outside(let storage, let count, let offset, let extents, let strides):
      "expected a tensor inside the \(count) elements of storage \(storage), found shape \(extents) "
        + "with strides \(strides) from element \(offset)"
    }
  }
}

/// Copies a strided view into row-major order, bytes unchanged.
///
/// The tensor was checked against its storage when it was made, so no element lies outside.
func gathered(_ tensor: TorchTensor, from storage: TensorBytes) -> TensorBytes {
  let block = ByteBlock(count: tensor.byteCount)
  storage.withBytes { source in
    switch tensor.elementType.byteCount {
    case 1: gather(UInt8.self, tensor, from: source, into: block.bytes)
    case 2: gather(UInt16.self, tensor, from: source, into: block.bytes)
    case 4: gather(UInt32.self, tensor, from: source, into: block.bytes)
    case 8: gather(UInt64.self, tensor, from: source, into: block.bytes)
    default: gather(UInt128.self, tensor, from: source, into: block.bytes)
    }
  }
  return TensorBytes(block)
}

/// Walks the outer axes as an odometer and the innermost in a loop. `Element` only says how wide one is.
private func gather<Element: FixedWidthInteger>(
  _ type: Element.Type, _ tensor: TorchTensor, from source: UnsafeRawBufferPointer,
  into target: UnsafeMutableRawBufferPointer
) {
  let size = MemoryLayout<Element>.size
  // An axis of extent 1 may have any stride, even one that overflows when taken.
  let axes = tensor.shape.extents.indices.filter { tensor.shape.extents[$0] > 1 }
  let extents = axes.map { tensor.shape.extents[$0] }
  let strides = axes.map { tensor.strides[$0] }
  guard let inner = extents.last, let innerStride = strides.last else { return }
  var position = [Int](repeating: 0, count: extents.count - 1)
  var start = tensor.offset
  for row in 0..<tensor.shape.count / inner {
    let base = row * inner
    for column in 0..<inner {
      let element = source.loadUnaligned(
        fromByteOffset: (start + column * innerStride) * size, as: Element.self)
      target.storeBytes(of: element, toByteOffset: (base + column) * size, as: Element.self)
    }
    for axis in position.indices.reversed() {
      position[axis] += 1
      start += strides[axis]
      if position[axis] < extents[axis] { break }
      start -= extents[axis] * strides[axis]
      position[axis] = 0
    }
  }
}
