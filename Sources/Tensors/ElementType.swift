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
}
