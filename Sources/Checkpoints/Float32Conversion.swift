import Tensors

/// Stored bytes as a Float32 tensor: a view of them where they are aligned float32, else converted, rounding to
/// nearest where float32 is narrower. Nil for types without one real number per element that float32 is apt for.
func float32(_ stored: TensorBytes, _ type: ElementType, _ shape: Shape) -> Tensor? {
  switch type {
  case .float32: borrowed(stored, shape) ?? converted(stored, shape, UInt32.self) { Float(bitPattern: $0) }
  case .float16: converted(stored, shape, UInt16.self, float(half:))
  case .bfloat16: converted(stored, shape, UInt16.self, BFloat16.float)
  case .float64: converted(stored, shape, UInt64.self) { Float(Double(bitPattern: $0)) }
  case .bool: converted(stored, shape, UInt8.self) { $0 == 0 ? 0 : 1 }
  case .uint8: converted(stored, shape, UInt8.self) { Float($0) }
  case .uint16: converted(stored, shape, UInt16.self) { Float($0) }
  case .uint32: converted(stored, shape, UInt32.self) { Float($0) }
  case .uint64: converted(stored, shape, UInt64.self) { Float($0) }
  case .int8: converted(stored, shape, Int8.self) { Float($0) }
  case .int16: converted(stored, shape, Int16.self) { Float($0) }
  case .int32: converted(stored, shape, Int32.self) { Float($0) }
  case .int64: converted(stored, shape, Int64.self) { Float($0) }
  case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU: nil
  case .complex32, .complex64, .complex128: nil
  }
}

/// IEEE binary16 widened, exactly; `Float16` is missing on Intel Macs.
package func float(half bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let magnitude = UInt32(bits & 0x7fff)
  switch magnitude {
  case 0x7c00...: return Float(bitPattern: sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13)
  case 0x0400...: return Float(bitPattern: sign | (magnitude << 13) + (112 << 23))
  default:
    // Subnormal: the magnitude counts units of 2^-24.
    let value = Float(magnitude) * Float(sign: .plus, exponent: -24, significand: 1)
    return Float(bitPattern: sign | value.bitPattern)
  }
}

private func borrowed(_ stored: TensorBytes, _ shape: Shape) -> Tensor? {
  let (memory, owner) = stored.borrowed
  guard let base = memory.baseAddress, UInt(bitPattern: base).isMultiple(of: 4) else { return nil }
  return Tensor(
    borrowing: base.bindMemory(to: Float.self, capacity: shape.count), shape, owner: owner)
}

private func converted<Stored: BitwiseCopyable>(
  _ stored: TensorBytes, _ shape: Shape, _ type: Stored.Type, _ convert: (Stored) -> Float
) -> Tensor {
  stored.withBytes { source in
    Tensor(shape) { target in
      for index in 0..<shape.count {
        let element = source.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        target.initializeElement(at: index, to: convert(element))
      }
    }
  }
}
