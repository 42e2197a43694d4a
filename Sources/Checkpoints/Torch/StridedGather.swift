import Tensors

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
