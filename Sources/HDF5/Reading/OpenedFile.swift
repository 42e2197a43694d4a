import CHDF5
import CHDF5Server
import Files
import Synchronization
import Tensors

/// A file that is read, and what the child said of it so far: each group and each object's attributes are asked for once.
final class OpenedFile: Sendable {
  /// The file's own bytes.
  let bytes: MappedFile
  /// What its arrays are held against.
  let stored: StoredBytes
  /// Where the group lies that holds everything.
  let root: UInt64
  private let texts: StoredTexts
  private let server: Server
  private let known = Mutex(Known())

  private struct Known {
    var links: [UInt64: Links] = [:]
    var attributes: [UInt64: [StoredAttribute]] = [:]
  }

  init(_ path: String, unstored: Int) throws {
    // Says in plain words what the library would bury in details: no such file, no permission, a folder.
    bytes = try MappedFile(path: path)
    stored = StoredBytes(fileCount: bytes.bytes.count, unstored: unstored)
    server = try Server(path, fileCount: bytes.bytes.count)
    var reply = try server.open()
    root = try reply.number()
    texts = StoredTexts(
      bytes, base: try reply.number(), addressSize: Int(clamping: try reply.number()),
      lengthSize: Int(clamping: try reply.number()))
  }

  /// What is in a group.
  func links(of address: UInt64, _ place: Place) throws(HDF5Error) -> Links {
    if let links = known.withLock({ $0.links[address] }) { return links }
    var reply = try server.reply(to: .init(kind: chdf5server_list, address: address), place)
    var links = Links()
    while !reply.isAtEnd {
      let name = try reply.text()
      links.add(name, try reply.outcome { reply throws(HDF5Error) in try LinkTarget(&reply) })
    }
    known.withLock { $0.links[address] = links }
    return links
  }

  /// Bytes of an attribute that are looked at.
  private static let mostAttributeBytes = 64 << 20

  /// What is attached to a group or dataset, in the order of names.
  func attributes(of address: UInt64, _ place: Place) throws(HDF5Error) -> [StoredAttribute] {
    if let attributes = known.withLock({ $0.attributes[address] }) { return attributes }
    var reply = try server.reply(
      to: .init(kind: chdf5server_attributes, address: address, bytes: Self.mostAttributeBytes), place)
    var attributes: [StoredAttribute] = []
    while !reply.isAtEnd {
      let name = try reply.text()
      let value = try reply.outcome { reply throws(HDF5Error) in try StoredAttribute.Value(&reply) }
      attributes.append(StoredAttribute(name: name, value: value))
    }
    known.withLock { $0.attributes[address] = attributes }
    return attributes
  }

  /// The texts that an attribute refers to.
  func texts(_ references: [UInt8], _ action: String, _ place: Place) throws(HDF5Error) -> [[UInt8]] {
    try texts.texts(references, action, place)
  }

  /// Reads a rectangle of a dataset's elements as `type`.
  func read(
    _ block: ElementBlock, of address: UInt64, as type: ElementType, into memory: UnsafeMutableRawBufferPointer,
    _ place: Place
  ) throws(HDF5Error) {
    var payload: [UInt8] = []
    for number in block.start + block.extent {
      withUnsafeBytes(of: UInt64(number)) { payload += $0 }
    }
    try server.read(
      .init(
        kind: chdf5server_read, address: address, elementType: StandardTypes.position(of: type),
        payload: payload),
      into: memory, place)
  }
}

/// What is in a group, in the order of names.
struct Links: Sendable {
  private(set) var names: [String] = []
  private var targets: [String: Result<LinkTarget, Refusal>] = [:]

  mutating func add(_ name: String, _ target: Result<LinkTarget, Refusal>) {
    names.append(name)
    if targets[name] == nil { targets[name] = target }
  }

  /// What a name leads to; nil where there is none.
  subscript(name: String) -> Result<LinkTarget, Refusal>? { targets[name] }
}

/// What a name in a group leads to.
struct LinkTarget: Sendable {
  let kind: HDF5Kind
  /// The same for all of an object's names.
  let address: UInt64
  /// Of a dataset; in it nil where the elements lie in other files.
  let description: Result<DatasetDescription?, Refusal>?

  init(kind: HDF5Kind, address: UInt64) { (self.kind, self.address, description) = (kind, address, nil) }

  init(_ reply: inout Reply) throws(HDF5Error) {
    let kind = try reply.number()
    address = try reply.number()
    switch kind {
    case 0: (self.kind, description) = (.group, nil)
    case 1:
      self.kind = .dataset
      description = try reply.outcome { reply throws(HDF5Error) in try DatasetDescription(&reply) }
    default: (self.kind, description) = (.other, nil)
    }
  }
}
