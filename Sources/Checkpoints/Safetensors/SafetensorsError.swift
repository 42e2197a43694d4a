import Tensors

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
      "expected a safetensors header of \(declared) bytes, found a file of \(length) bytes, shorter than that"
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
    case .bufferLength(let expected, let found): "expected a buffer of \(expected) bytes, found \(found)"
    }
  }
}
