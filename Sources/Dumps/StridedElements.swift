import Checkpoints
import Tensors

/// Stored elements of any real type, byte order and arrangement, read in ranges as row-major Float32.
struct StridedElements: Sendable {
  private let bytes: TensorBytes
  private let type: ElementType
  private let isBigEndian: Bool
  private let extents: [Int]
  /// How far apart neighbours along each axis lie, in elements.
  private let strides: [Int]
  /// Whether that is row-major.
  private let isContiguous: Bool

  /// Elements that lie in `bytes` by `strides`, which must stay within them; nil for a type without one real number per
  /// element.
  init?(_ bytes: TensorBytes, _ type: ElementType, isBigEndian: Bool, _ shape: Shape, strides: [Int]) {
    guard Self.isReadable(type) else { return nil }
    self.bytes = bytes
    self.type = type
    self.isBigEndian = isBigEndian
    self.strides = strides
    extents = shape.extents
    isContiguous = strides == shape.strides || shape.count <= 1
  }

  /// Whether Float32 is apt for such elements.
  static func isReadable(_ type: ElementType) -> Bool {
    switch type {
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU: false
    case .complex32, .complex64, .complex128: false
    default: true
    }
  }

  /// Reads elements from `offset` on.
  func read(from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) {
    switch type {
    case .bool: read(from: offset, into: buffer, UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: read(from: offset, into: buffer, UInt8.self) { Float($0) }
    case .uint16: read(from: offset, into: buffer, UInt16.self) { Float($0) }
    case .uint32: read(from: offset, into: buffer, UInt32.self) { Float($0) }
    case .uint64: read(from: offset, into: buffer, UInt64.self) { Float($0) }
    case .int8: read(from: offset, into: buffer, Int8.self) { Float($0) }
    case .int16: read(from: offset, into: buffer, Int16.self) { Float($0) }
    case .int32: read(from: offset, into: buffer, Int32.self) { Float($0) }
    case .int64: read(from: offset, into: buffer, Int64.self) { Float($0) }
    case .float16: read(from: offset, into: buffer, UInt16.self, Half.float)
    case .bfloat16: read(from: offset, into: buffer, UInt16.self, BFloat16.float)
    case .float32: read(from: offset, into: buffer, UInt32.self) { Float(bitPattern: $0) }
    case .float64: read(from: offset, into: buffer, UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU, .complex32, .complex64,
      .complex128:
      preconditionFailure("\(type.rawValue) was refused")
    }
  }

  @inline(__always)
  private func read<Stored: FixedWidthInteger>(
    from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>, _ type: Stored.Type,
    _ number: (Stored) -> Float
  ) {
    bytes.withBytes { source in
      @inline(__always)
      func element(_ position: Int) -> Float {
        let stored = source.loadUnaligned(fromByteOffset: position * MemoryLayout<Stored>.size, as: Stored.self)
        return number(isBigEndian ? Stored(bigEndian: stored) : Stored(littleEndian: stored))
      }
      guard !isContiguous else {
        for index in buffer.indices { buffer[index] = element(offset + index) }
        return
      }
      forEachRow(from: offset, count: buffer.count) { start, length, position, stride in
        for index in 0..<length { buffer[start + index] = element(position + index * stride) }
      }
    }
  }

  /// Calls `body` for every run along the last axis that a range touches: its place in the range, its length, where it
  /// begins among the stored elements, and how far apart they are.
  @inline(__always)
  private func forEachRow(from offset: Int, count: Int, _ body: (Int, Int, Int, Int) -> Void) {
    let last = extents.count - 1
    var index = [Int](repeating: 0, count: extents.count)
    var rest = offset
    for axis in stride(from: last, through: 0, by: -1) {
      index[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    var done = 0
    while done < count {
      let length = min(extents[last] - index[last], count - done)
      body(done, length, zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }, strides[last])
      done += length
      index[last] = 0
      var axis = last - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < extents[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
