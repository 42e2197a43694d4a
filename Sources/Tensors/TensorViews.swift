// The same memory seen otherwise: other shapes, parts, axes in another order or at other distances.

extension Tensor {
  /// Whether the elements lie row-major and without gaps, as operations take them.
  public var isContiguous: Bool { viewStrides == nil }

  /// The distance between neighbours along each axis, in elements.
  public var strides: [Int] { viewStrides ?? shape.strides }

  /// The same elements under another shape of the same count. Shares memory; traps on a view, whose elements have no one
  /// order in memory.
  public consuming func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "can't reshape \(self.shape) to \(shape)")
    precondition(isContiguous, "a view of shape \(self.shape) has to be made contiguous() first")
    return Tensor(shape, elementType, storage, offset: offset)
  }

  /// Entry `index` of the leading axis, which is dropped. Shares memory.
  public subscript(index: Int) -> Tensor {
    precondition(shape.rank > 0 && index >= 0 && index < shape[0], "index \(index) of \(shape)")
    let rest = Shape(Array(shape.extents.dropFirst()))
    guard let viewStrides else {
      return Tensor(rest, elementType, storage, offset: offset + index * rest.count)
    }
    return view(rest, strides: Array(viewStrides.dropFirst()), from: index * viewStrides[0])
  }

  /// Entries `range` of the leading axis. Shares memory.
  public subscript(range: Range<Int>) -> Tensor {
    precondition(
      shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "range \(range) of \(shape)")
    let rest = Array(shape.extents.dropFirst())
    let part = Shape([range.count] + rest)
    guard let viewStrides else {
      return Tensor(part, elementType, storage, offset: offset + range.lowerBound * Shape(rest).count)
    }
    return view(part, strides: viewStrides, from: range.lowerBound * viewStrides[0])
  }

  /// A view with the axes in another order: axis `i` of the result is axis `axes[i]` of this. Shares memory.
  ///
  /// `[B, H, W, C]` seen as `permutedView(0, 3, 1, 2)` is `[B, C, H, W]` with channels last in memory, which shows in
  /// that its `permutedView(0, 2, 3, 1)` is contiguous.
  public func permutedView(_ axes: Int...) -> Tensor {
    precondition(axes.sorted() == Array(0..<shape.rank), "axes \(axes) of \(shape)")
    let strides = strides
    return view(Shape(axes.map { shape[$0] }), strides: axes.map { strides[$0] }, from: 0)
  }

  /// A view of entries `range` of `axis`. Negative axes count from the last. Shares memory.
  public func slicedView(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(shape.extents.indices.contains(axis), "axis \(axis) of \(shape)")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "range \(range) of axis \(axis) of \(shape)")
    var extents = shape.extents
    extents[axis] = range.count
    return view(Shape(extents), strides: strides, from: range.lowerBound * strides[axis])
  }

  /// The same elements, row-major and without gaps: this where they are, else a copy.
  public func contiguous() -> Tensor {
    guard let viewStrides else { return self }
    let copy = TensorStorage(byteCount: byteCount)
    gather(strides: viewStrides, to: copy.base)
    return Tensor(shape, elementType, copy)
  }

  /// The same elements in memory of their own and of no more than their size, for what is kept for long: this where its
  /// memory is that; a copy where it is a part of something larger, which it would keep alive, or of somebody else's.
  public func compacted() -> Tensor {
    if isContiguous, offset == 0, storage.isJust(byteCount) { return self }
    let copy = TensorStorage(byteCount: byteCount, exactly: true)
    gather(strides: strides, to: copy.base)
    return Tensor(shape, elementType, copy)
  }

  private func view(_ shape: Shape, strides: [Int], from start: Int) -> Tensor {
    // Distances along an axis of one entry, and of no elements at all, mean nothing.
    let isRowMajor =
      shape.count == 0
      || zip(shape.extents, zip(strides, shape.strides)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    return Tensor(
      shape, elementType, storage, offset: offset + start, viewStrides: isRowMajor ? nil : strides)
  }

  /// Writes the elements row-major to `target`.
  private func gather(strides: [Int], to target: UnsafeMutableRawPointer) {
    defer { withExtendedLifetime(storage) {} }
    let size = elementType.byteCount
    let source = UnsafeRawPointer(storage.base) + offset * size
    guard !isContiguous else {
      target.copyMemory(from: source, byteCount: byteCount)
      return
    }
    // A view has elements, see `view`.
    guard let length = shape.extents.last, let step = strides.last else { return }
    var index = [Int](repeating: 0, count: shape.rank - 1)
    var row = 0
    for start in stride(from: 0, to: count, by: length) {
      copyRow(from: source + row * size, step: step, to: target + start * size, count: length, size: size)
      for axis in index.indices.reversed() {
        index[axis] += 1
        row += strides[axis]
        if index[axis] < shape[axis] { break }
        row -= strides[axis] * shape[axis]
        index[axis] = 0
      }
    }
  }
}

/// Copies `count` elements of `size` bytes that lie `step` elements apart.
private func copyRow(
  from source: UnsafeRawPointer, step: Int, to target: UnsafeMutableRawPointer, count: Int, size: Int
) {
  func copy<Bits: BitwiseCopyable>(_ type: Bits.Type) {
    for index in 0..<count {
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: index * step * size, as: type), toByteOffset: index * size,
        as: type)
    }
  }
  switch size {
  case _ where step == 1: target.copyMemory(from: source, byteCount: count * size)
  case 1: copy(UInt8.self)
  case 2: copy(UInt16.self)
  case 4: copy(UInt32.self)
  case 8: copy(UInt64.self)
  default:
    for index in 0..<count {
      (target + index * size).copyMemory(from: source + index * step * size, byteCount: size)
    }
  }
}
