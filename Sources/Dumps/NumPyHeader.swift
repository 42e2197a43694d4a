import Tensors

/// The header of a `.npy` file: what its elements are, and where they begin.
/// Source: NumPy Enhancement Proposal 1, versions 1.0 to 3.0 of the format.
struct NumPyHeader: Equatable, Sendable {
  /// What an element is.
  let type: StoredType
  /// Whether numbers have their most significant byte first.
  let isBigEndian: Bool
  /// Whether the first axis is the one whose neighbours lie side by side.
  let isFortranOrder: Bool
  /// The extent of every axis.
  let shape: Shape
  /// Where the elements begin.
  let dataOffset: Int
  /// How many bytes they take.
  let byteCount: Int

  /// Bytes from the file's beginning that hold any header that is read here.
  static let longest = 12 + mostBytes
  /// NumPy writes 128 bytes or a little more.
  private static let mostBytes = 1 << 16
  private static let deepestRank = 64

  /// Whether a file that begins so is a `.npy` file.
  static func begins(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: magic) }
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads the header that `beginning` holds; `fileCount` is how many bytes the whole file has, which must be the
  /// header's and the elements' to the byte.
  init(_ beginning: [UInt8], fileCount: Int) throws(NumPyError) {
    guard Self.begins(beginning), beginning.count >= 8 else { throw .magic(found: Array(beginning.prefix(6))) }
    let version = beginning[6]
    guard (1...3).contains(version), beginning[7] == 0 else {
      throw .version(major: version, minor: beginning[7])
    }
    let textOffset = version == 1 ? 10 : 12
    guard beginning.count >= textOffset else { throw .truncatedHeader(expected: textOffset, found: fileCount) }
    let length = beginning[8..<textOffset].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.mostBytes else { throw .headerLength(found: length, limit: Self.mostBytes) }
    dataOffset = textOffset + length
    guard beginning.count >= dataOffset else {
      throw .truncatedHeader(expected: dataOffset, found: beginning.count)
    }
    let text = Array(beginning[textOffset..<dataOffset])
    var literal = PythonLiteral(text)
    let fields = try literal.dictionary()
    let names = Set(fields.keys)
    guard names == ["descr", "fortran_order", "shape"] else { throw .keys(found: names.sorted()) }
    guard case .flag(let order) = fields["fortran_order"] else {
      throw .field("fortran_order", "True or False")
    }
    guard case .numbers(let extents) = fields["shape"] else {
      throw .field("shape", "a tuple of whole numbers")
    }
    guard extents.count <= Self.deepestRank else { throw .rank(found: extents.count, limit: Self.deepestRank) }
    let description: NumPyType
    switch fields["descr"] {
    case .text(let text): description = try NumPyType(text)
    case .other: throw .elementType(found: "a structured type")
    default: throw .field("descr", "a type such as '<f4'")
    }
    // Extents of zero hide others that overflow, so they are left out of the product.
    var product = 1
    for extent in extents where extent > 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow, next <= Int.max / max(1, description.type.byteCount) else {
        throw .tooLarge(shape: extents)
      }
      product = next
    }
    (type, isBigEndian, isFortranOrder) = (description.type, description.isBigEndian, order)
    shape = Shape(extents)
    byteCount = shape.count * type.byteCount
    guard fileCount - dataOffset == byteCount else {
      throw .dataCount(shape: extents, type: "\(type)", expected: byteCount, found: fileCount - dataOffset)
    }
  }
}

/// NumPy's name of an element type: byte order, kind, bytes.
struct NumPyType: Equatable {
  let type: StoredType
  let isBigEndian: Bool

  init(_ text: String) throws(NumPyError) {
    let mark = text.first
    let rest = mark.map { "<>|=".contains($0) } == true ? text.dropFirst() : text[...]
    guard rest.first != "O" else {
      throw .elementType(found: "'\(text)', pickled Python objects, which are never read")
    }
    guard let kind = rest.first, let bytes = Int(rest.dropFirst()) else {
      throw .elementType(found: "'\(text)'")
    }
    isBigEndian = mark == ">"
    switch (kind, bytes) {
    case ("b", 1): type = .numbers(.bool)
    case ("u", 1): type = .numbers(.uint8)
    case ("u", 2): type = .numbers(.uint16)
    case ("u", 4): type = .numbers(.uint32)
    case ("u", 8): type = .numbers(.uint64)
    case ("i", 1): type = .numbers(.int8)
    case ("i", 2): type = .numbers(.int16)
    case ("i", 4): type = .numbers(.int32)
    case ("i", 8): type = .numbers(.int64)
    case ("f", 2): type = .numbers(.float16)
    case ("f", 4): type = .numbers(.float32)
    case ("f", 8): type = .numbers(.float64)
    // How bfloat16 of other packages is written, among others.
    case ("V", 1...16): type = .opaque(byteCount: bytes)
    default: throw .elementType(found: "'\(text)'")
    }
  }
}

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
