import Files
import Tensors

/// A GGUF file of version 3, read in place. The format has no checksums: its structure is all that can be verified.
struct GGUFFile: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let file: MappedFile
  private let records: [GGUFHeader.Record]

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let header = try naming(file.path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFHeader(file.bytes, limits: limits)
    }
    self.file = file
    records = header.records
    metadata = header.metadata
    entries = header.records.map { record in
      let encoding = Checkpoint.Encoding(name: GGUFBlocks.name, byteCount: record.range.count)
      return Checkpoint.Entry(
        name: record.name, elementType: record.elementType, shape: record.shape,
        byteCount: record.shape.count * record.elementType.byteCount, isContiguous: true,
        encoding: record.isBlocks ? encoding : nil)
    }
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    if let weight = try wholeNumbers(at: index) { return TensorBytes(weight.weight) }
    return stored(at: index)
  }

  private func stored(at index: Int) -> TensorBytes {
    let range = records[index].range
    return TensorBytes(file.bytes, owner: file).part(at: range.lowerBound, count: range.count)
  }

  func wholeNumbers(at index: Int) throws(CheckpointError) -> StoredWeight? {
    let record = records[index]
    guard record.isBlocks else { return nil }
    return .grouped(
      try naming(file.path, CheckpointError.gguf) { () throws(GGUFError) in
        try GGUFBlocks.read(stored(at: index), record.shape, name: record.name)
      })
  }

  func place(at index: Int) -> Range<Int>? { records[index].isBlocks ? nil : records[index].range }

  func verify() throws(CheckpointError) {}
}

/// The header of a GGUF file: keys and values, and each tensor's type, shape and place, checked so that tensors
/// and zeroed padding fill the data from its first byte to its last.
/// Source: docs/gguf.md of github.com/ggml-org/ggml; gguf.cpp, gguf_init_from_file_impl, which asks for the
/// same order of offsets.
struct GGUFHeader {
  struct Record: Equatable {
    var name: String
    let elementType: ElementType
    let shape: Shape
    /// Whether its numbers are in blocks that share a scale; `elementType` is what they stand for.
    let isBlocks: Bool
    /// Bytes from the file's start.
    let range: Range<Int>
  }

  private(set) var records: [Record] = []
  private(set) var metadata: [String: String] = [:]

  /// Reads the header of a whole file.
  init(_ bytes: UnsafeRawBufferPointer, limits: ReadingLimits) throws(GGUFError) {
    var cursor = GGUFCursor(bytes, limit: limits.ggufHeader)
    _ = try cursor.integer("GGUF", UInt32.self)
    let version = try cursor.integer("the version", UInt32.self)
    guard version == 3 else { throw .version(found: version) }
    // A name's length, the number of axes, the type and the offset; a key's length, a type and one byte.
    let tensorCount = try cursor.count(of: "tensors", byteCount: 24, limit: limits.ggufTensors)
    let keyCount = try cursor.count(of: "keys", byteCount: 13, limit: limits.ggufKeys)
    let keys = try Self.keys(&cursor, count: keyCount)
    metadata = try Self.metadata(keys)
    let infos = try Self.infos(&cursor, count: tensorCount, limits)
    let view = ByteView(bytes: bytes)
    let alignment = try Self.alignment(keys)
    let start = try Self.padded(cursor.offset, to: alignment, view, limit: bytes.count)
    records = try Self.records(infos, view, from: start, alignment)
    var listed: [String]?
    if let value = keys[GGUFKeys.fullNames] {
      guard case .strings(let names) = value else {
        throw .keyType(key: GGUFKeys.fullNames, expected: "a list of strings")
      }
      listed = names
    }
    let names = try GGUFNames.full(infos.map(\.name), listed: listed)
    var seen: Set<String> = []
    for (index, name) in names.enumerated() {
      guard seen.insert(name).inserted else { throw .duplicateName(name) }
      records[index].name = name
    }
  }

  private static func keys(
    _ cursor: inout GGUFCursor, count: Int
  ) throws(GGUFError) -> [String: GGUFValue] {
    var keys: [String: GGUFValue] = [:]
    for _ in 0..<count {
      let key = try cursor.string("a key")
      guard 1...65535 ~= key.utf8.count, key.utf8.allSatisfy({ $0 < 0x80 }) else { throw .key(key) }
      guard keys.updateValue(try cursor.value(of: key), forKey: key) == nil else { throw .duplicateKey(key) }
    }
    guard let architecture = keys[GGUFKeys.architecture] else { throw .missingKey(GGUFKeys.architecture) }
    guard case .string = architecture else {
      throw .keyType(key: GGUFKeys.architecture, expected: "a string")
    }
    return keys
  }

  private static func metadata(_ keys: [String: GGUFValue]) throws(GGUFError) -> [String: String] {
    var metadata: [String: String] = [:]
    for (key, value) in keys {
      guard let word = GGUFKeys.word(of: key), let text = value.text else { continue }
      guard metadata.updateValue(text, forKey: word) == nil else { throw .duplicateKey(word) }
    }
    return metadata
  }

  private static func alignment(_ keys: [String: GGUFValue]) throws(GGUFError) -> Int {
    guard let value = keys[GGUFKeys.alignment] else { return GGUFTypes.alignment }
    guard case .uint32(let found) = value else {
      throw .keyType(key: GGUFKeys.alignment, expected: "a uint32")
    }
    guard found >= 8, found.nonzeroBitCount == 1 else { throw .alignment(found: found) }
    return Int(found)
  }

  /// What the header says of one tensor.
  private struct Info {
    let name: String
    let elementType: ElementType
    let isBlocks: Bool
    let shape: Shape
    let byteCount: Int
    let offset: UInt64
  }

  private static func infos(
    _ cursor: inout GGUFCursor, count: Int, _ limits: ReadingLimits
  ) throws(GGUFError) -> [Info] {
    var infos: [Info] = []
    var names: Set<String> = []
    for _ in 0..<count {
      let name = try cursor.string("a tensor's name")
      guard 1...limits.ggufName ~= name.utf8.count else {
        throw .nameLength(tensor: name, limit: limits.ggufName)
      }
      guard names.insert(name).inserted else { throw .duplicateName(name) }
      infos.append(try info(of: name, &cursor))
    }
    return infos
  }

  private static func info(of name: String, _ cursor: inout GGUFCursor) throws(GGUFError) -> Info {
    let rank = try cursor.integer("the rank of '\(name)'", UInt32.self)
    guard rank <= GGUFTypes.rank else { throw .rank(tensor: name, found: Int(rank), limit: GGUFTypes.rank) }
    var extents: [UInt64] = []
    for _ in 0..<rank { extents.append(try cursor.integer("an extent of '\(name)'")) }
    let type = try cursor.integer("the type of '\(name)'", UInt32.self)
    let isBlocks = type == GGUFBlocks.q8
    guard let elementType = isBlocks ? .float32 : GGUFTypes.elementTypes[type] else {
      if let quantized = GGUFTypes.quantized[type] { throw .quantized(tensor: name, type: quantized) }
      throw .unknownType(tensor: name, found: type)
    }
    let offset = try cursor.integer("the offset of '\(name)'", UInt64.self)
    guard !extents.contains(0) else { throw .emptyAxis(tensor: name, extents: extents) }
    let counts = extents.compactMap { Int(exactly: $0) }
    guard counts.count == extents.count, let byteCount = TorchTensor.byteCount(counts, elementType) else {
      throw .overflow(tensor: name, extents: extents)
    }
    let shape = Shape(counts.reversed())
    guard !isBlocks || GGUFBlocks.fits(shape) else { throw .rows(tensor: name, extents: extents) }
    return Info(
      name: name, elementType: elementType, isBlocks: isBlocks, shape: shape,
      byteCount: isBlocks ? GGUFBlocks.byteCount(of: shape.count) : byteCount, offset: offset)
  }

  /// Places in the file, each tensor behind the padding of the one before.
  private static func records(
    _ infos: [Info], _ view: ByteView, from start: Int, _ alignment: Int
  ) throws(GGUFError) -> [Record] {
    let available = view.count - start
    var records: [Record] = []
    var end = start
    for info in infos {
      guard info.offset.isMultiple(of: UInt64(alignment)) else {
        throw .misaligned(tensor: info.name, offset: info.offset, alignment: alignment)
      }
      let expected = try padded(end, to: alignment, view, limit: .max)
      guard info.offset >= UInt64(expected - start) else {
        throw .overlap(tensor: info.name, expected: expected - start, found: info.offset)
      }
      guard info.offset == UInt64(expected - start) else {
        throw .gap(tensor: info.name, expected: expected - start, found: info.offset)
      }
      guard expected <= view.count, info.byteCount <= view.count - expected else {
        let (end, overflow) = (expected - start).addingReportingOverflow(info.byteCount)
        throw .outside(tensor: info.name, end: overflow ? .max : end, available: available)
      }
      end = expected + info.byteCount
      records.append(
        Record(
          name: info.name, elementType: info.elementType, shape: info.shape, isBlocks: info.isBlocks,
          range: expected..<end))
    }
    // The last tensor's padding may be there or not.
    let last = try padded(end, to: alignment, view, limit: view.count)
    guard view.count == end || view.count == last else {
      throw .trailing(expected: end - start, found: available)
    }
    return records
  }

  /// The next multiple of `alignment`, at most `limit`, after padding that must be zero as far as the file goes.
  private static func padded(
    _ offset: Int, to alignment: Int, _ view: ByteView, limit: Int
  ) throws(GGUFError) -> Int {
    let next = min(offset + (alignment - offset % alignment) % alignment, max(limit, offset))
    if let padding = view.slice(at: offset, count: min(next, view.count) - offset),
      let place = padding.firstIndex(where: { $0 != 0 })
    {
      throw .padding(offset: offset + place)
    }
    return next
  }
}
