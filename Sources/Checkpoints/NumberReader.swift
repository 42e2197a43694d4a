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

/// The numbers that the 256 patterns of a float8 type stand for.
/// Source: Micikevicius et al. 2022 (arXiv 2209.05433) for E4M3FN and E5M2; Noune et al. 2022 (arXiv 2206.02915)
/// for the FNUZ types; OCP Microscaling Formats 1.0 for E8M0.
struct Float8Table: Sendable {
  private let numbers: [Double]

  subscript(bits: UInt8) -> Double { numbers[Int(bits)] }

  /// The table of a float8 type, or nil for any other type.
  init?(_ type: ElementType) {
    switch type {
    case .float8E8M0FNU:
      numbers = (0..<256).map { $0 == 255 ? .nan : Double(sign: .plus, exponent: $0 - 127, significand: 1) }
    case .float8E4M3FN: numbers = Self.table(mantissaBits: 3, bias: 7) { $0 & 0x7f == 0x7f ? .nan : nil }
    case .float8E5M2:
      numbers = Self.table(mantissaBits: 2, bias: 15) { bits in
        switch bits & 0x7f {
        case 0x7c: bits < 0x80 ? .infinity : -.infinity
        case 0x7d...: .nan
        default: nil
        }
      }
    case .float8E4M3FNUZ: numbers = Self.table(mantissaBits: 3, bias: 8) { $0 == 0x80 ? .nan : nil }
    case .float8E5M2FNUZ: numbers = Self.table(mantissaBits: 2, bias: 16) { $0 == 0x80 ? .nan : nil }
    default: return nil
    }
  }

  /// Sign, exponent, mantissa with a hidden leading one, subnormals; `special` names the other patterns.
  private static func table(mantissaBits: Int, bias: Int, special: (Int) -> Double?) -> [Double] {
    (0..<256).map { bits in
      if let number = special(bits) { return number }
      let exponent = (bits & 0x7f) >> mantissaBits
      let hidden = exponent == 0 ? 0 : 1 << mantissaBits
      let mantissa = hidden | bits & (1 << mantissaBits - 1)
      let scale = Double(sign: .plus, exponent: max(exponent, 1) - bias - mantissaBits, significand: 1)
      return (bits < 0x80 ? 1 : -1) * Double(mantissa) * scale
    }
  }
}
