/// How one element of a stored tensor is encoded: every type that PyTorch can save.
public enum ElementType: String, Hashable, Sendable, CaseIterable, Codable {
  case bool
  case uint8, uint16, uint32, uint64
  case int8, int16, int32, int64
  case float16, bfloat16, float32, float64
  case float8E4M3FN = "float8_e4m3fn"
  case float8E4M3FNUZ = "float8_e4m3fnuz"
  case float8E5M2 = "float8_e5m2"
  case float8E5M2FNUZ = "float8_e5m2fnuz"
  case float8E8M0FNU = "float8_e8m0fnu"
  case complex32, complex64, complex128

  /// Bytes per element.
  public var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32, .complex32: 4
    case .uint64, .int64, .float64, .complex64: 8
    case .complex128: 16
    }
  }

  /// Whether `Tensor.converted(to:)` makes Float32 of such elements: of every type but float8 and complex ones.
  public var isReadableAsFloat32: Bool {
    switch self {
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU: false
    case .complex32, .complex64, .complex128: false
    case .bool, .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64: true
    case .float16, .bfloat16, .float32, .float64: true
    }
  }
}

/// A Swift type in which a tensor's elements are held in memory: the number itself, or the bits of one that Swift has no
/// type for.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// Whether elements of `type` are held in this.
  static func holds(_ type: ElementType) -> Bool
}

extension Float: TensorElement {
  /// True for float32.
  @inlinable
  public static func holds(_ type: ElementType) -> Bool { if case .float32 = type { true } else { false } }
}

extension Double: TensorElement {
  /// True for float64.
  public static func holds(_ type: ElementType) -> Bool { type == .float64 }
}

extension UInt8: TensorElement {
  /// True for uint8, bool (0 or 1) and the bits of float8 types.
  public static func holds(_ type: ElementType) -> Bool {
    switch type {
    case .uint8, .bool, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU: true
    default: false
    }
  }
}

extension UInt16: TensorElement {
  /// True for uint16 and the bits of float16 and bfloat16.
  public static func holds(_ type: ElementType) -> Bool { [.uint16, .float16, .bfloat16].contains(type) }
}

extension UInt32: TensorElement {
  /// True for uint32.
  public static func holds(_ type: ElementType) -> Bool { type == .uint32 }
}

extension UInt64: TensorElement {
  /// True for uint64.
  public static func holds(_ type: ElementType) -> Bool { type == .uint64 }
}

extension Int8: TensorElement {
  /// True for int8.
  public static func holds(_ type: ElementType) -> Bool { type == .int8 }
}

extension Int16: TensorElement {
  /// True for int16.
  public static func holds(_ type: ElementType) -> Bool { type == .int16 }
}

extension Int32: TensorElement {
  /// True for int32.
  public static func holds(_ type: ElementType) -> Bool { type == .int32 }
}

extension Int64: TensorElement {
  /// True for int64.
  public static func holds(_ type: ElementType) -> Bool { type == .int64 }
}
