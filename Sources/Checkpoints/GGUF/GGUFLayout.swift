import Tensors

/// All that a GGUF file holds before its data: the format's own keys, the metadata, and where each tensor will
/// stand, in the order of the entries.
/// Source: docs/gguf.md of github.com/ggml-org/ggml.
struct GGUFLayout {
  /// Header and padding: all that comes before the data.
  private(set) var header: [UInt8] = []
  /// Where the text of `place` begins in the header.
  private(set) var place: Int?

  /// What `general.architecture` says.
  static let architecture = "sam2"

  /// - Parameters:
  ///   - place: The key of a word whose text is to be overwritten later.
  ///   - keepsBlocks: Whether entries with an encoding are written so, and not as what they stand for.
  init(
    _ entries: [Checkpoint.Entry], metadata: [String: String], place word: String? = nil,
    keepsBlocks: Bool = false
  ) throws(GGUFError) {
    let stored = entries.enumerated().map { GGUFNames.stored($0.element.name, at: $0.offset) }
    try Self.check(entries, stored)
    let isShortened = zip(entries, stored).contains { $0.name != $1 }
    append(GGUFTypes.magic)
    append(UInt32(3))
    append(UInt64(entries.count))
    append(UInt64(1 + metadata.count + (isShortened ? 1 : 0)))
    append(GGUFKeys.architecture)
    append(Self.architecture, as: .string)
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let name = GGUFKeys.key(of: key)
      guard 1...65535 ~= name.utf8.count else { throw .key(name) }
      append(name)
      append(value, as: .string)
      if key == word { place = header.count - value.utf8.count }
    }
    if isShortened {
      append(GGUFKeys.fullNames)
      append(GGUFTypes.Value.array.rawValue)
      append(GGUFTypes.Value.string.rawValue)
      append(UInt64(entries.count))
      for entry in entries { append(entry.name) }
    }
    var offset = 0
    for (entry, name) in zip(entries, stored) {
      let isBlocks = keepsBlocks && entry.encoding != nil
      guard let type = isBlocks ? GGUFBlocks.q8 : GGUFTypes.numbers[entry.elementType] else {
        throw .elementType(tensor: entry.name, found: entry.elementType)
      }
      append(name)
      append(UInt32(entry.shape.extents.count))
      for extent in entry.shape.extents.reversed() { append(UInt64(extent)) }
      append(type)
      append(UInt64(offset))
      offset += entry.byteCount + Self.padding(behind: entry.byteCount)
    }
    header += [UInt8](repeating: 0, count: Self.padding(behind: header.count))
  }

  /// How many zeros follow so many bytes.
  static func padding(behind byteCount: Int) -> Int {
    (GGUFTypes.alignment - byteCount % GGUFTypes.alignment) % GGUFTypes.alignment
  }

  private static func check(_ entries: [Checkpoint.Entry], _ stored: [String]) throws(GGUFError) {
    var names: Set<String> = []
    for (entry, name) in zip(entries, stored) {
      guard !name.isEmpty else { throw .nameLength(tensor: name, limit: GGUFTypes.nameBytes) }
      guard names.insert(name).inserted else { throw .duplicateName(name) }
      let extents = entry.shape.extents
      guard extents.count <= GGUFTypes.rank else {
        throw .rank(tensor: entry.name, found: extents.count, limit: GGUFTypes.rank)
      }
      guard !extents.contains(0) else {
        throw .emptyAxis(tensor: entry.name, extents: extents.reversed().map { UInt64($0) })
      }
    }
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { header += $0 }
  }

  private mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    header += Array(text.utf8)
  }

  private mutating func append(_ text: String, as type: GGUFTypes.Value) {
    append(type.rawValue)
    append(text)
  }
}

extension Conversion {
  /// A GGUF file of version 3, the tensors in the source's order.
  func writeGGUF(to path: String) throws(CheckpointError) {
    let layout = try naming(path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFLayout(source.entries, metadata: metadata, place: takesDigest ? Self.digestKey : nil)
    }
    try writeParts(
      to: path, header: layout.header, source.entries.indices, digestAt: layout.place,
      padding: GGUFLayout.padding(behind:))
  }
}
