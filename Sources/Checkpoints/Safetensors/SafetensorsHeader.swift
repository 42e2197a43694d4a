import Tensors

/// The header of a safetensors file: each tensor's type, shape and place, checked so that they fill the buffer
/// from its first byte to its last without holes or overlaps.
/// Source: the safetensors format description, README.md of github.com/huggingface/safetensors.
struct SafetensorsHeader {
  struct Record: Equatable {
    let name: String
    let elementType: ElementType
    let shape: Shape
    /// Bytes from the buffer's start.
    let range: Range<Int>
  }

  /// In the order of the buffer.
  private(set) var records: [Record] = []
  private(set) var metadata: [String: String] = [:]

  /// Reads a header of `bytes` for a buffer of `bufferLength` bytes.
  init(_ bytes: [UInt8], bufferLength: Int, limits: ReadingLimits) throws(SafetensorsError) {
    var scanner = HeaderScanner(bytes)
    var names: Set<String> = []
    try scanner.object { scanner, key throws(SafetensorsError) in
      guard names.insert(key).inserted else { throw .duplicate(key) }
      if key == "__metadata__" {
        metadata = try Self.strings(&scanner)
      } else {
        records.append(try Self.record(key, &scanner, limits))
      }
    }
    try scanner.end()
    records = records.enumerated().sorted {
      ($0.element.range.lowerBound, $0.element.range.upperBound, $0.offset)
        < ($1.element.range.lowerBound, $1.element.range.upperBound, $1.offset)
    }.map(\.element)
    var end = 0
    for record in records {
      guard record.range.lowerBound == end else {
        throw .gap(tensor: record.name, expected: end, found: record.range.lowerBound)
      }
      end = record.range.upperBound
    }
    guard end == bufferLength else { throw .bufferLength(expected: end, found: bufferLength) }
  }

  private static func strings(_ scanner: inout HeaderScanner) throws(SafetensorsError) -> [String: String] {
    var strings: [String: String] = [:]
    try scanner.object { scanner, key throws(SafetensorsError) in
      guard strings.updateValue(try scanner.string(), forKey: key) == nil else {
        throw .duplicate("__metadata__.\(key)")
      }
    }
    return strings
  }

  private static func record(
    _ name: String, _ scanner: inout HeaderScanner, _ limits: ReadingLimits
  ) throws(SafetensorsError) -> Record {
    var type: String?
    var extents: [Int]?
    var offsets: [Int]?
    try scanner.object { scanner, field throws(SafetensorsError) in
      let isRepeated: Bool
      switch field {
      case "dtype": (isRepeated, type) = (type != nil, try scanner.string())
      case "shape": (isRepeated, extents) = (extents != nil, try scanner.integers())
      case "data_offsets": (isRepeated, offsets) = (offsets != nil, try scanner.integers())
      default: throw scanner.unexpected("dtype, shape or data_offsets before", found: "field '\(field)'")
      }
      if isRepeated { throw .duplicate("\(name).\(field)") }
    }
    guard let type else { throw .missingField(tensor: name, field: "dtype") }
    guard let extents else { throw .missingField(tensor: name, field: "shape") }
    guard let offsets, offsets.count == 2 else { throw .missingField(tensor: name, field: "data_offsets") }
    guard let elementType = elementTypes[type] else { throw .elementType(tensor: name, found: type) }
    guard extents.count <= limits.rank else {
      throw .rank(tensor: name, found: extents.count, limit: limits.rank)
    }
    guard let byteCount = TorchTensor.byteCount(extents, elementType) else {
      throw .overflow(tensor: name, extents: extents)
    }
    guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == byteCount else {
      throw .length(tensor: name, expected: byteCount, begin: offsets[0], end: offsets[1])
    }
    return Record(
      name: name, elementType: elementType, shape: Shape(extents), range: offsets[0]..<offsets[1])
  }

  /// The format's names of the types that this package knows.
  static let elementTypes: [String: ElementType] = [
    "BOOL": .bool, "U8": .uint8, "I8": .int8, "F8_E5M2": .float8E5M2, "F8_E4M3": .float8E4M3FN,
    "F8_E8M0": .float8E8M0FNU, "F8_E4M3FNUZ": .float8E4M3FNUZ, "F8_E5M2FNUZ": .float8E5M2FNUZ,
    "I16": .int16, "U16": .uint16, "F16": .float16, "BF16": .bfloat16, "I32": .int32, "U32": .uint32,
    "F32": .float32, "C64": .complex64, "F64": .float64, "I64": .int64, "U64": .uint64,
  ]
}
