/// Why a `.npy` file is refused.
public enum NumPyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file does not begin as the format does.
  case magic(found: [UInt8])
  /// A version of the format that is not read here.
  case version(major: UInt8, minor: UInt8)
  /// The header declares more bytes than any honest one has.
  case headerLength(found: Int, limit: Int)
  /// The file ends within its header.
  case truncatedHeader(expected: Int, found: Int)
  /// The header is no dictionary as NumPy writes it.
  case syntax(expected: String, found: String)
  /// The header has other keys than the format's three.
  case keys(found: [String])
  /// A key's value is something else.
  case field(String, String)
  /// An element type without one number that Float32 is apt for.
  case elementType(found: String)
  /// More axes than NumPy has.
  case rank(found: Int, limit: Int)
  /// More elements than can be counted.
  case tooLarge(shape: [Int])
  /// More or fewer bytes of elements than the header declares.
  case dataCount(shape: [Int], type: String, expected: Int, found: Int)

  /// What was expected and what was found.
  public var description: String {
    switch self {
    case .magic(let found): "expected a file that begins \\x93NUMPY, found bytes \(found)"
    case .version(let major, let minor): "expected version 1.0, 2.0 or 3.0 of .npy, found \(major).\(minor)"
    case .headerLength(let found, let limit): "expected a header of at most \(limit) bytes, found \(found)"
    case .truncatedHeader(let expected, let found): "expected a header of \(expected) bytes, found \(found)"
    case .syntax(let expected, let found): "expected \(expected) in the header, found \"\(found)\""
    case .keys(let found):
      "expected the keys descr, fortran_order and shape, found \(found.isEmpty ? "none" : found.joined(separator: ", "))"
    case .field(let name, let expected): "expected \(name) to be \(expected), found something else"
    case .elementType(let found): "expected elements that are real numbers, found \(found)"
    case .rank(let found, let limit): "expected at most \(limit) axes, found \(found)"
    case .tooLarge(let shape): "expected a shape whose elements can be counted, found \(shape)"
    case .dataCount(let shape, let type, let expected, let found):
      "expected \(expected) bytes for \(type) of shape \(shape), found \(found)"
    }
  }
}
