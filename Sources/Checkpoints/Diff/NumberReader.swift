import Tensors

/// Stored elements as Doubles, a run at a time. Complex elements are two numbers each; 64-bit whole numbers beyond 2^53
/// are rounded.
struct NumberReader {
  private let type: ElementType
  private let table: Float8Table?

  init(_ type: ElementType) {
    self.type = type
    table = Float8Table(type)
  }

  /// How many numbers an element is.
  var numbersPerElement: Int {
    switch type {
    case .complex32, .complex64, .complex128: 2
    default: 1
    }
  }

  /// Reads the numbers from `start` on into all of `numbers`.
  func read(
    _ bytes: UnsafeRawBufferPointer, from start: Int, into numbers: UnsafeMutableBufferPointer<Double>
  ) {
    switch type {
    case .float32, .complex64:
      convert(bytes, start, numbers) { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case .float64, .complex128: convert(bytes, start, numbers) { (bits: UInt64) in Double(bitPattern: bits) }
    case .float16, .complex32: convert(bytes, start, numbers) { (bits: UInt16) in Double(Half.float(bits)) }
    case .bfloat16: convert(bytes, start, numbers) { (bits: UInt16) in Double(BFloat16.float(bits)) }
    case .bool: convert(bytes, start, numbers) { (byte: UInt8) in byte == 0 ? 0 : 1 }
    case .uint8: convert(bytes, start, numbers) { (number: UInt8) in Double(number) }
    case .uint16: convert(bytes, start, numbers) { (number: UInt16) in Double(number) }
    case .uint32: convert(bytes, start, numbers) { (number: UInt32) in Double(number) }
    case .uint64: convert(bytes, start, numbers) { (number: UInt64) in Double(number) }
    case .int8: convert(bytes, start, numbers) { (bits: UInt8) in Double(Int8(bitPattern: bits)) }
    case .int16: convert(bytes, start, numbers) { (bits: UInt16) in Double(Int16(bitPattern: bits)) }
    case .int32: convert(bytes, start, numbers) { (bits: UInt32) in Double(Int32(bitPattern: bits)) }
    case .int64: convert(bytes, start, numbers) { (bits: UInt64) in Double(Int64(bitPattern: bits)) }
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU:
      convert(bytes, start, numbers) { (bits: UInt8) in table?[bits] ?? .nan }
    }
  }

  @inline(__always)
  private func convert<Stored: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ start: Int, _ numbers: UnsafeMutableBufferPointer<Double>,
    _ number: (Stored) -> Double
  ) {
    for index in numbers.indices {
      let offset = (start + index) * MemoryLayout<Stored>.size
      let stored = bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self)
      numbers[index] = number(Stored(littleEndian: stored))
    }
  }
}
