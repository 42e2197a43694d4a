import Files
import Tensors

/// A safetensors file, read in place. The format has no checksums: its structure is all that can be verified.
struct SafetensorsFile: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let file: MappedFile
  private let bufferOffset: Int
  private let records: [SafetensorsHeader.Record]

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    let declared = view.integer(UInt64.self, at: 0) ?? 0
    let limit = limits.safetensorsHeader
    guard declared <= UInt64(limit) else {
      throw .safetensors(path: file.path, .headerLength(declared: declared, limit: limit))
    }
    guard let bytes = view.slice(at: 8, count: Int(declared)) else {
      throw .safetensors(path: file.path, .truncatedHeader(declared: declared, fileLength: view.count))
    }
    let offset = 8 + bytes.count
    let header = try naming(file.path, CheckpointError.safetensors) { () throws(SafetensorsError) in
      try SafetensorsHeader(Array(bytes), bufferLength: view.count - offset, limits: limits)
    }
    self.file = file
    bufferOffset = offset
    records = header.records
    metadata = header.metadata
    entries = header.records.map {
      Checkpoint.Entry(
        name: $0.name, elementType: $0.elementType, shape: $0.shape, byteCount: $0.range.count,
        isContiguous: true)
    }
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let range = records[index].range
    let whole = TensorBytes(file.bytes, owner: file)
    return whole.part(at: bufferOffset + range.lowerBound, count: range.count)
  }

  func place(at index: Int) -> Range<Int>? {
    let range = records[index].range
    return bufferOffset + range.lowerBound..<bufferOffset + range.upperBound
  }

  func verify() throws(CheckpointError) {}
}

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

/// Why a safetensors file is refused, or can't be written.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A header length beyond the format's cap.
  case headerLength(declared: UInt64, limit: Int)
  /// A file that ends before its header does.
  case truncatedHeader(declared: UInt64, fileLength: Int)
  /// A header that is not the JSON that the format prescribes. Offsets count bytes from the header's start.
  case syntax(expected: String, found: String, offset: Int)
  /// A name, field or metadata key that occurs twice.
  case duplicate(String)
  /// A tensor without one of its fields.
  case missingField(tensor: String, field: String)
  /// A `dtype` that is not supported.
  case elementType(tensor: String, found: String)
  /// A shape with too many axes.
  case rank(tensor: String, found: Int, limit: Int)
  /// A shape whose product overflows.
  case overflow(tensor: String, extents: [Int])
  /// Offsets that do not span the bytes that shape and type take.
  case length(tensor: String, expected: Int, begin: Int, end: Int)
  /// A tensor that does not begin where the one before ends.
  case gap(tensor: String, expected: Int, found: Int)
  /// A buffer of another length than the tensors take.
  case bufferLength(expected: Int, found: Int)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .headerLength(let declared, let limit):
      "expected a safetensors header of at most \(limit) bytes, found \(declared)"
    case .truncatedHeader(let declared, let length):
      "expected a safetensors header of \(declared) bytes, found a file of \(length) bytes, "
        + "shorter than that: it is cut short, fetch it again"
    case .syntax(let expected, let found, let offset):
      "expected \(expected) at byte \(offset) of the safetensors header, found \(found)"
    case .duplicate(let name): "expected '\(name)' once in the safetensors header, found it twice"
    case .missingField(let tensor, let field): "expected '\(tensor)' to have a field '\(field)', found none"
    case .elementType(let tensor, let found):
      "expected '\(tensor)' to have a type that safetensors and sam2kit share, found \(found)"
    case .rank(let tensor, let found, let limit):
      "expected '\(tensor)' to have at most \(limit) axes, found \(found)"
    case .overflow(let tensor, let extents): "expected '\(tensor)' to fit memory, found shape \(extents)"
    case .length(let tensor, let expected, let begin, let end):
      "expected '\(tensor)' to span \(expected) bytes, found offsets \(begin) to \(end)"
    case .gap(let tensor, let expected, let found):
      "expected '\(tensor)' to begin at byte \(expected) of the buffer, found \(found)"
    case .bufferLength(let expected, let found):
      "expected a buffer of \(expected) bytes, found \(found)"
        + (found < expected ? ": the file is cut short, fetch it again" : "")
    }
  }
}
