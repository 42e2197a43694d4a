import Tensors

/// Names of at most 63 bytes for tensors whose state-dict keys are longer, as 40 of SAM 2's are, up to 79: the
/// tensor's number in the file, `~`, and of the key's end as many whole parts as fit. All keys in full are listed in the
/// metadata, and a reader checks that each stored name follows from them, so that no tensor has two readings.
enum GGUFNames {
  /// The name under which tensor `index` is stored.
  static func stored(_ full: String, at index: Int) -> String {
    guard full.utf8.count > GGUFTypes.nameBytes else { return full }
    let start = "\(index)~"
    var end = full[...]
    while end.utf8.count > GGUFTypes.nameBytes - start.utf8.count { end = end.dropFirst() }
    if let dot = end.firstIndex(of: ".") { end = end[end.index(after: dot)...] }
    return start + end
  }

  /// The full names of stored ones.
  static func full(_ stored: [String], listed: [String]?) throws(GGUFError) -> [String] {
    guard let listed else { return stored }
    guard listed.count == stored.count else {
      throw .fullNameCount(expected: stored.count, found: listed.count)
    }
    for (index, (name, full)) in zip(stored, listed).enumerated() where self.stored(full, at: index) != name {
      throw .fullName(stored: name, full: full)
    }
    return listed
  }
}

/// How the words beside the tensors are called in GGUF, where keys are dotted ASCII: `sam2_variant` is
/// `sam2.variant`, any other `note` is `sam2kit.note`, and what begins with `general.` keeps its name. Bytes
/// that such keys lack are written `%` and two hexadecimal digits.
enum GGUFKeys {
  static let architecture = "general.architecture"
  static let alignment = "general.alignment"
  /// A list of every tensor's full name, in the file's order, where one is too long to be stored; see `GGUFNames`.
  static let fullNames = "tensors.full_names"
  /// Keys that the format itself needs, which are no words of the checkpoint's.
  private static let reserved: Set<String> = [architecture, alignment, fullNames]

  /// The key for a word.
  static func key(of word: String) -> String {
    if word.hasPrefix("general."), !reserved.contains(word), escaped(word) == word { return word }
    if word.hasPrefix("sam2_") { return "sam2." + escaped(word.dropFirst(5)) }
    return "sam2kit." + escaped(word[...])
  }

  /// The word for a key, or nil for what the format itself needs.
  static func word(of key: String) -> String? {
    if reserved.contains(key) { return nil }
    if key.hasPrefix("sam2.") { return "sam2_" + (unescaped(key.dropFirst(5)) ?? String(key.dropFirst(5))) }
    if key.hasPrefix("sam2kit.") { return unescaped(key.dropFirst(8)) ?? String(key.dropFirst(8)) }
    return key
  }

  private static func escaped(_ word: some StringProtocol) -> String {
    word.utf8.reduce(into: "") { key, byte in
      if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
        key.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        key += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
  }

  private static func unescaped(_ key: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = key.utf8
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        else { return nil }
        rest = rest.dropFirst(2)
        bytes.append(value)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// The numbers by which GGUF names the types of tensors and of metadata.
/// Source: ggml.h, enum ggml_type, and gguf.h, enum gguf_type, of github.com/ggml-org/ggml.
enum GGUFTypes {
  /// Types of one number per element.
  static let elementTypes: [UInt32: ElementType] = [
    0: .float32, 1: .float16, 24: .int8, 25: .int16, 26: .int32, 27: .int64, 28: .float64, 30: .bfloat16,
  ]

  static let numbers = Dictionary(uniqueKeysWithValues: elementTypes.map { ($0.value, $0.key) })

  /// Types of blocks that share a scale and aren't read.
  static let quantized: [UInt32: String] = [
    2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
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
