internal import CDeflate

/// Raw deflate streams, as zip archives hold them.
public enum Inflation {
  /// Inflates `bytes` into `memory`; what stands behind the stream's end is ignored.
  ///
  /// - Returns: How many bytes it gave, or nil where the stream is broken or gives more than `memory` holds.
  public static func inflate(_ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer)
    -> Int?
  {
    guard let decompressor = libdeflate_alloc_decompressor() else { return nil }
    defer { libdeflate_free_decompressor(decompressor) }
    var (taken, given) = (0, 0)
    let result = libdeflate_deflate_decompress_ex(
      decompressor, bytes.baseAddress, bytes.count, memory.baseAddress, memory.count, &taken, &given)
    return result == LIBDEFLATE_SUCCESS ? given : nil
  }
}

/// Bytes made smaller, as PNG pictures hold them.
public enum Deflation {
  /// The bytes as a zlib stream (RFC 1950) of the library's middle effort.
  public static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    let compressor = libdeflate_alloc_compressor(6)
    defer { libdeflate_free_compressor(compressor) }
    var stream = [UInt8](repeating: 0, count: libdeflate_zlib_compress_bound(compressor, bytes.count))
    let count = libdeflate_zlib_compress(compressor, bytes, bytes.count, &stream, stream.count)
    return Array(stream.prefix(count))
  }
}

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
