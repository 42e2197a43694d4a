import CHDF5

/// What is attached to a group or dataset.
struct StoredAttribute: Sendable {
  /// What it is attached under.
  let name: String
  let value: Result<Value, Refusal>

  /// What it holds.
  struct Value: Sendable {
    /// Its elements.
    enum Content: Sendable {
      /// Lists of any length, or more bytes than are told.
      case untold
      case bytes([UInt8])
      /// What the file has in the place of texts of any length.
      case references([UInt8])
    }

    /// Of the type, as the library numbers classes.
    let typeClass: UInt64
    /// How many elements; nil where there can't be one.
    let count: Int?
    /// The bits of the one number that it holds: of a whole number in 64 bits, or of a Float64.
    let bits: UInt64?
    let content: Content

    init(_ reply: inout Reply) throws(HDF5Error) {
      typeClass = try reply.number()
      let isNull = try reply.flag()
      let count = Int(clamping: try reply.number())
      self.count = isNull ? nil : count
      bits = try reply.flag() ? try reply.number() : nil
      switch try reply.number() {
      case 1: content = .bytes(try reply.data())
      case 2: content = .references(try reply.data())
      default: content = .untold
      }
    }
  }
}

/// An attribute as it is stored, for who looks for what shouldn't be there.
public struct HDF5AttributeContent: Sendable {
  /// What it is attached under.
  public let name: String
  /// Its texts, or else its elements' bytes in one piece; none of references to other objects; nil where it holds lists of
  /// varying length, or more bytes than were allowed.
  public let pieces: [[UInt8]]?
}

extension OpenedFile {
  /// The value attached to an object under `name`, or nil.
  ///
  /// - Throws: `HDF5Error.unsupported` for anything but one text or number.
  func attribute(_ name: String, of address: UInt64, _ place: Place) throws(HDF5Error) -> HDF5Attribute? {
    guard let found = try attributes(of: address, place).first(where: { $0.name == name }) else { return nil }
    let value = try found.value.get(at: place, name)
    func unsupported(_ found: String) -> HDF5Error {
      .unsupported(file: place.file, object: place.object, found: found)
    }
    guard let count = value.count else { throw unsupported("an empty dataspace") }
    guard count == 1 else { throw unsupported("the list in attribute \(name)") }
    switch (H5T_class_t(Int32(clamping: value.typeClass)), value.bits, value.content) {
    case (H5T_INTEGER, let bits?, _), (H5T_ENUM, let bits?, _): return .integer(Int64(bitPattern: bits))
    case (H5T_FLOAT, let bits?, _): return .real(Double(bitPattern: bits))
    case (H5T_STRING, _, .bytes(let bytes)):
      return .string(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    case (H5T_STRING, _, .references(let references)):
      let texts = try texts(references, "read the attribute \(name)", place)
      return .string(String(decoding: texts.first ?? [], as: UTF8.self))
    default: throw unsupported("class \(value.typeClass) of attribute \(name)")
    }
  }

  /// What is attached to an object, whatever it holds.
  ///
  /// - Parameter limit: Bytes of one that are looked at.
  func attributeContents(
    of address: UInt64, limit: Int, _ place: Place
  ) throws(HDF5Error) -> [HDF5AttributeContent] {
    var contents: [HDF5AttributeContent] = []
    for attribute in try attributes(of: address, place) {
      let name = attribute.name
      var pieces: [[UInt8]]?
      switch try attribute.value.get(at: place, name).content {
      case .untold: pieces = nil
      case .bytes(let bytes): pieces = bytes.isEmpty ? [] : bytes.count <= limit ? [bytes] : nil
      case .references(let references):
        pieces = try texts(references, "read the attribute \(name)", place).map { [UInt8]($0.prefix(limit)) }
      }
      contents.append(HDF5AttributeContent(name: name, pieces: pieces))
    }
    return contents
  }
}
