// The two 16-bit floating-point types, as bits, one number at a time; `Tensor.converted(to:)` does it for many.

/// bfloat16, the upper half of a Float32.
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

/// IEEE binary16; `Float16` is missing on Intel Macs.
public enum Half {
  /// A number rounded to the nearest half, of two equally near ones to the even one; infinity from 65520 on. NaN stays
  /// NaN.
  public static func bits(rounding value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 | UInt16(magnitude >> 13 & 0x3ff) }
    if magnitude >= 0x4780_0000 { return sign | 0x7c00 }
    if magnitude >= 0x3880_0000 {
      // The exponent's bias goes from 127 to 15; a carry out of the fraction raises it, if need be to infinity.
      let rebiased = magnitude - (112 << 23)
      return sign | UInt16((rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13)
    }
    // Subnormal: counts units of 2^-24.
    let units = Float(bitPattern: magnitude) * Float(sign: .plus, exponent: 24, significand: 1)
    return sign | UInt16(units.rounded(.toNearestOrEven))
  }

  /// The number, exactly.
  public static func float(_ bits: UInt16) -> Float {
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
}
