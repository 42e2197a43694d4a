import Tensors

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
