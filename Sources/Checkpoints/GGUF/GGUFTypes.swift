import Tensors

/// The numbers by which GGUF names the types of tensors and of metadata.
/// Source: ggml.h, enum ggml_type, and gguf.h, enum gguf_type, of github.com/ggml-org/ggml.
enum GGUFTypes {
  /// Types of one number per element.
  static let elementTypes: [UInt32: ElementType] = [
    0: .float32, 1: .float16, 24: .int8, 25: .int16, 26: .int32, 27: .int64, 28: .float64, 30: .bfloat16,
  ]

  static let numbers = Dictionary(uniqueKeysWithValues: elementTypes.map { ($0.value, $0.key) })

  /// Types of blocks that share a scale.
  static let quantized: [UInt32: String] = [
    2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL",
    21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    41: "Q1_0",
  ]

  /// The types of metadata.
  enum Value: UInt32 {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// The least number of bytes that one value takes; a string has its length.
    var minimumByteCount: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16: 2
      case .uint32, .int32, .float32: 4
      case .string, .uint64, .int64, .float64: 8
      case .array: 12
      }
    }
  }

  /// Axes that a tensor may have.
  static let rank = 4
  /// Bytes that a tensor's name may have for every reader: ggml keeps 64 with the zero that ends it.
  /// Source: ggml.h, GGML_MAX_NAME.
  static let nameBytes = 63
  /// What offsets are multiples of where the file does not say.
  static let alignment = 32
  /// What every file begins with, read little-endian.
  static let magic: UInt32 = 0x4655_4747
}
