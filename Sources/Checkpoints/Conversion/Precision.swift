public import Tensors

/// How many bits the large tensors of a converted checkpoint keep.
///
/// What is rounded follows from type and shape alone, so that it does not depend on how tensors are called:
/// - a floating-point tensor of at least `threshold` elements and with at least two axes longer than 1 (matrices,
///   convolution kernels, full-size position embeddings) becomes what is asked for;
/// - any other floating-point tensor (norms, biases, tokens, small embeddings and kernels) becomes float32;
/// - whole numbers, truth values, float8 and complex numbers stay as they are.
public enum Precision: String, Sendable, CaseIterable {
  /// 24 bits, 8 of exponent.
  case float32 = "f32"
  /// 11 bits, 5 of exponent: finite to 65504.
  case float16 = "f16"
  /// 8 bits, with the exponents of float32.
  case bfloat16 = "bf16"

  /// Elements from which a matrix or kernel is rounded.
  public static let threshold = 4096

  var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }

  /// What a tensor of that type and shape becomes.
  public func elementType(of stored: ElementType, _ shape: Shape) -> ElementType {
    guard [.float16, .bfloat16, .float32, .float64].contains(stored) else { return stored }
    let isLarge = shape.count >= Self.threshold && shape.extents.count(where: { $0 > 1 }) >= 2
    return isLarge ? elementType : .float32
  }
}

/// What keeps a number from being rounded twice.
enum Rounding {
  /// To a Float whose last bit is odd where anything was cut off: rounding that once more gives what rounding
  /// the Double at once would have given.
  /// Source: Boldo and Melquiond, Emulation of a FMA and correctly rounded sums, IEEE TC 57(4), 2008.
  static func odd(_ value: Double) -> Float {
    var nearest = Float(value)
    guard value.isFinite, Double(nearest) != value else { return nearest }
    if abs(Double(nearest)) > abs(value) { nearest = Float(bitPattern: nearest.bitPattern - 1) }
    return Float(bitPattern: nearest.bitPattern | 1)
  }
}
