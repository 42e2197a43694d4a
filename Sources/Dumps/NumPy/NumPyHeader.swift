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
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

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
