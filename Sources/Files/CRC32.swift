internal import CDeflate

/// The CRC-32 that zip archives carry (ISO-HDLC polynomial).
public enum CRC32 {
  /// The checksum of `bytes`, continuing from the checksum of what went before.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    libdeflate_crc32(previous, bytes.baseAddress, bytes.count)
  }

  /// The checksum of what went before and `count` zero bytes, in time that grows with the logarithm of `count`.
  ///
  /// Without its inversions the checksum is a polynomial over GF(2), and a zero byte multiplies it by x⁸.
  public static func appendingZeros(_ count: Int, to previous: UInt32) -> UInt32 {
    var power = one
    var square = one >> 8  // x⁸
    var rest = count
    while rest > 0 {
      if rest & 1 == 1 { power = product(power, square) }
      square = product(square, square)
      rest >>= 1
    }
    return ~product(~previous, power)
  }

  /// Bit 31 is the coefficient of x⁰, bit 0 that of x³¹.
  private static let one: UInt32 = 1 << 31
  /// x³² reduced: the polynomial's other coefficients in that order.
  private static let reduction: UInt32 = 0xedb8_8320

  /// The product of two polynomials modulo the checksum's.
  private static func product(_ a: UInt32, _ b: UInt32) -> UInt32 {
    var (sum, shifted): (UInt32, UInt32) = (0, b)
    for exponent in 0..<32 {
      if a & (one >> exponent) != 0 { sum ^= shifted }
      shifted = shifted >> 1 ^ (shifted & 1 == 1 ? reduction : 0)
    }
    return sum
  }
}
