/// bfloat16, the upper half of a Float32, as bits.
public enum BFloat16 {
  /// A number rounded to the nearest bfloat16, of two equally near ones to the even one. NaN stays NaN.
  public static func bits(rounding value: Float) -> UInt16 {
    let bits = value.bitPattern
    // A NaN keeps its sign and upper bits, made quiet.
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
  }

  /// The number, exactly.
  public static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
