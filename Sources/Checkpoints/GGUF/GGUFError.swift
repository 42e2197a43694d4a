public import Tensors

/// Why a GGUF file is refused, or can't be written.
public enum GGUFError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A version other than 3, or numbers of the other byte order.
  case version(found: UInt32)
  /// A file that ends within what it declares. Offsets count bytes from the file's start.
  case truncated(field: String, offset: Int)
  /// A header beyond the reading limits.
  case headerLength(limit: Int)
  /// More keys or tensors than the reading limits allow.
  case limit(what: String, declared: UInt64, limit: Int)
  /// More keys, tensors or elements than the rest of the file could hold.
  case count(what: String, declared: UInt64, available: Int)
  /// A string longer than the rest of the file.
  case stringLength(field: String, declared: UInt64, available: Int)
  /// A string that is not UTF-8.
  case text(field: String, offset: Int)
  /// A key that is empty, too long or not ASCII.
  case key(String)
  /// A key that occurs twice, or two that mean the same.
  case duplicateKey(String)
  /// A value of a type that the format does not have.
  case valueType(key: String, found: UInt32)
  /// A truth value that is neither 0 nor 1.
  case truth(key: String, found: UInt8)
  /// A list of lists.
  case nestedArray(key: String)
  /// A file without a key that every file has.
  case missingKey(String)
  /// A key of the format's own with a value of the wrong type.
  case keyType(key: String, expected: String)
  /// An alignment that is no power of two from 8 on.
  case alignment(found: UInt32)
  /// A tensor's name that is empty or too long.
  case nameLength(tensor: String, limit: Int)
  /// A name that two tensors share.
  case duplicateName(String)
  /// Full names for another number of tensors than there are.
  case fullNameCount(expected: Int, found: Int)
  /// A full name that the stored one is not short for.
  case fullName(stored: String, full: String)
  /// More axes than the format has.
  case rank(tensor: String, found: Int, limit: Int)
  /// An axis without extent, which the format's own reader divides by.
  case emptyAxis(tensor: String, extents: [UInt64])
  /// A shape whose product overflows. Extents are innermost first, as stored.
  case overflow(tensor: String, extents: [UInt64])
  /// A number that names no tensor type.
  case unknownType(tensor: String, found: UInt32)
  /// A tensor in blocks of quantized numbers.
  case quantized(tensor: String, type: String)
  /// An offset that is no multiple of the alignment.
  case misaligned(tensor: String, offset: UInt64, alignment: Int)
  /// A tensor that begins before the one before it ends.
  case overlap(tensor: String, expected: Int, found: UInt64)
  /// Bytes between two tensors beyond the padding.
  case gap(tensor: String, expected: Int, found: UInt64)
  /// A tensor beyond the end of the file.
  case outside(tensor: String, end: Int, available: Int)
  /// Bytes behind the last tensor.
  case trailing(expected: Int, found: Int)
  /// Padding that is not zero.
  case padding(offset: Int)
  /// A tensor in blocks whose rows aren't whole blocks. Extents are innermost first, as stored.
  case rows(tensor: String, extents: [UInt64])
  /// A block whose scale is no finite number from 0 on.
  case scale(tensor: String, block: Int, found: String)
  /// An element type that the format lacks.
  case elementType(tensor: String, found: ElementType)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .version(let found) where found.byteSwapped == 3:
      "expected a little-endian GGUF file, found a big-endian one"
    case .version(let found) where found == 1 || found == 2:
      "expected GGUF version 3, found version \(found), which is outdated: convert its source anew"
    case .version(let found): "expected GGUF version 3, found version \(found)"
    case .truncated(let field, let offset):
      "expected \(field) at byte \(offset), found the end of the file: it is cut short, fetch it again"
    case .headerLength(let limit): "expected a GGUF header of at most \(limit) bytes, found a longer one"
    case .limit(let what, let declared, let limit): "expected at most \(limit) \(what), found \(declared)"
    case .count(let what, let declared, let available):
      "expected as many \(what) as \(available) bytes can hold, found \(declared) declared: "
        + "where the file is cut short, fetch it again"
    case .stringLength(let field, let declared, let available):
      "expected \(field) to lie within the \(available) bytes left, found a length of \(declared)"
    case .text(let field, let offset): "expected \(field) at byte \(offset) to be UTF-8, found other bytes"
    case .key(let key): "expected keys of 1 to 65535 ASCII characters, found '\(key.prefix(80))'"
    case .duplicateKey(let key): "expected every key once, found '\(key)' twice"
    case .valueType(let key, let found): "expected '\(key)' to have one of the types 0 to 12, found \(found)"
    case .truth(let key, let found): "expected '\(key)' to be 0 or 1, found \(found)"
    case .nestedArray(let key): "expected '\(key)' to list no lists, found a list of them"
    case .missingKey(let key): "expected a key '\(key)', found none"
    case .keyType(let key, let expected): "expected '\(key)' to be \(expected), found another type"
    case .alignment(let found): "expected general.alignment to be a power of two from 8 on, found \(found)"
    default: tensorDescription
    }
  }

  private var tensorDescription: String {
    switch self {
    case .nameLength(let tensor, let limit):
      "expected tensor names of 1 to \(limit) bytes, found '\(tensor.prefix(120))'"
    case .duplicateName(let name): "expected every tensor's name once, found '\(name)' twice"
    case .fullNameCount(let expected, let found): "expected \(expected) full names, found \(found)"
    case .fullName(let stored, let full):
      "expected the full name of '\(stored)', found '\(full)', which would be stored otherwise"
    case .rank(let tensor, let found, let limit):
      "expected '\(tensor)' to have at most \(limit) axes, found \(found)"
    case .emptyAxis(let tensor, let extents):
      "expected '\(tensor)' to have no axis of extent 0, found \(extents), innermost first"
    case .overflow(let tensor, let extents):
      "expected '\(tensor)' to fit memory, found extents \(extents), innermost first"
    case .unknownType(let tensor, let found):
      "expected '\(tensor)' to have a known type, found number \(found)"
    case .quantized(let tensor, let type):
      "expected '\(tensor)' to hold plain numbers, found \(type), which is quantized and not read"
    case .misaligned(let tensor, let offset, let alignment):
      "expected '\(tensor)' to begin at a multiple of \(alignment), found offset \(offset)"
    case .overlap(let tensor, let expected, let found):
      "expected '\(tensor)' to begin at byte \(expected) of the data, found \(found), within the tensor before"
    case .gap(let tensor, let expected, let found):
      "expected '\(tensor)' to begin at byte \(expected) of the data, found \(found), behind a gap"
    case .outside(let tensor, let end, let available):
      "expected '\(tensor)' to end within \(available) bytes of data, found its end at \(end): "
        + "where the file is cut short, fetch it again"
    case .trailing(let expected, let found): "expected \(expected) bytes of data, found \(found)"
    case .padding(let offset): "expected zeros as padding, found something else at byte \(offset)"
    case .rows(let tensor, let extents):
      "expected '\(tensor)' to have rows of a multiple of 32, as Q8_0 has, found extents \(extents), innermost first"
    case .scale(let tensor, let block, let found):
      "expected the scales of '\(tensor)' to be finite and not negative, found \(found) in block \(block)"
    case .elementType(let tensor, let found):
      "expected '\(tensor)' to have a type that GGUF holds, found \(found.rawValue)"
    default: ""
    }
  }
}
