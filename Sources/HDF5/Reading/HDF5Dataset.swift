import Files
public import Tensors

/// An array of an HDF5 file.
public struct HDF5Dataset: Sendable {
  private let file: OpenedFile
  private let location: UInt64
  private let description: DatasetDescription
  private let place: Place
  /// The extent of every axis.
  public let shape: Shape

  /// Bytes of elements that are asked for in one call: of chunks whole ones, so that none is unpacked twice.
  private static let pieceBytes = (plain: 4 << 20, chunked: 64 << 20)
  /// Chunks that the library may read in one call, for each of which it takes some 4 KB.
  private static let mostChunks = 1 << 13

  init(_ file: OpenedFile, _ address: UInt64, _ description: DatasetDescription, _ place: Place)
    throws(HDF5Error)
  {
    try file.stored.check(description, address, place)
    try LZF.check(description, place)
    guard let extents = description.extents else {
      throw .unsupported(file: place.file, object: place.object, found: "an empty dataspace")
    }
    // A lying file could make a product overflow, which would trap.
    guard let shape = Shape(counting: extents.map { Int(clamping: $0) }) else {
      throw .unsupported(file: place.file, object: place.object, found: "a dataset of extents \(extents)")
    }
    (self.file, location, self.description, self.place, self.shape) = (file, address, description, place, shape)
  }

  /// The dataset's path within the file.
  public var path: String { place.object }

  /// Where the dataset lies in its file: the same for all of its names.
  public var address: UInt64 { location }

  /// Whether its elements are numbers, truths or opaque bytes, of which some are tensors'; not text, lists or references.
  public var holdsNumbers: Bool { description.holdsNumbers }

  /// How the dataset lies in the file; in chunks is called compressed, whatever the filters.
  public var storage: HDF5Storage { description.layout == .chunked ? .compressed : .contiguous }

  /// How many bytes its elements take in the file.
  public var storedByteCount: Int { Int(clamping: description.storedCount) }

  /// The numbers of the filters that its chunks pass through, as HDF5 registers them.
  public var filters: [Int] { description.filters.map(\.number) }

  /// How the elements are encoded.
  ///
  /// - Throws: `HDF5Error.unsupported` for a type that no tensor has, such as text.
  public func elementType() throws -> ElementType {
    guard let type = description.elementType else {
      throw HDF5Error.unsupported(
        file: place.file, object: place.object,
        found: "an element type of class \(description.typeClass) and \(description.typeBytes) bytes")
    }
    return type
  }

  /// The attributes of the dataset, whatever they hold.
  ///
  /// - Parameter limit: How many bytes of one are looked at, of at most 64 MiB.
  /// - Throws: `HDF5Error.failed`.
  public func attributeContents(limit: Int) throws -> [HDF5AttributeContent] {
    try file.attributeContents(of: location, limit: limit, place)
  }

  /// Reads elements from `offset` on as Float32, converted where they are other numbers.
  ///
  /// - Throws: `HDF5Error`.
  public func read(from offset: Int = 0, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    try read(from: offset, count: buffer.count, as: .float32, into: UnsafeMutableRawBufferPointer(buffer))
  }

  /// Reads elements from `offset` on into their little-endian bytes in the dataset's own type.
  ///
  /// - Throws: `HDF5Error`.
  public func read(from offset: Int = 0, into bytes: UnsafeMutableRawBufferPointer) throws {
    let type = try elementType()
    guard bytes.count % type.byteCount == 0 else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "memory for whole elements of \(type.rawValue)",
        found: "\(bytes.count) bytes")
    }
    try read(from: offset, count: bytes.count / type.byteCount, as: type, into: bytes)
  }

  /// Reads the whole dataset as Float32, converted where it holds other numbers.
  ///
  /// - Throws: `HDF5Error`.
  public func tensor() throws -> Tensor {
    try Tensor(shape) { try read(into: $0) }
  }

  /// The elements where they lie in the file in one piece as Float32 in this machine's byte order; nil where they don't, so
  /// that the library has to read them.
  public func contiguousElements() -> ContiguousElements? {
    guard let start = contiguousStart(as: .float32) else { return nil }
    return ContiguousElements(file.bytes, place, start: start, count: shape.count)
  }

  /// Where in the file the elements' bytes begin, if they lie there in one piece as this machine has `type`.
  private func contiguousStart(as type: ElementType) -> Int? {
    guard description.layout == .contiguous, description.isExact, description.elementType == type,
      1.littleEndian == 1, let count = description.byteCount, let start = Int(exactly: description.offset),
      file.stored.holds(Int(clamping: count), at: start)
    else { return nil }
    return start
  }

  private func read(
    from offset: Int, count: Int, as type: ElementType, into memory: UnsafeMutableRawBufferPointer
  ) throws {
    guard offset >= 0, count <= shape.count - offset else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "elements within \(shape.count) of \(shape)",
        found: "\(count) from \(offset)")
    }
    if let start = contiguousStart(as: type) {
      return try file.bytes.read(from: start + offset * type.byteCount, into: memory, place)
    }
    for piece in pieces(of: offset..<offset + count, bytes: type.byteCount) {
      var position = piece.lowerBound - offset
      for block in ElementBlock.covering(piece, of: shape) {
        let bytes = position * type.byteCount..<(position + block.count) * type.byteCount
        try file.read(
          block, of: location, as: type, into: UnsafeMutableRawBufferPointer(rebasing: memory[bytes]), place)
        position += block.count
      }
    }
  }

  /// Ranges of elements that are read at a time. They end where a row of chunks does, unless a row is too large.
  private func pieces(of range: Range<Int>, bytes: Int) -> [Range<Int>] {
    guard !range.isEmpty else { return [] }
    let chunk = description.chunk.map { max(1, Int(clamping: $0)) }
    var most = max(1, (chunk.isEmpty ? Self.pieceBytes.plain : Self.pieceBytes.chunked) / bytes)
    var row = 1
    if chunk.count == shape.rank, let axis = shape.extents.firstIndex(where: { $0 > 1 }) {
      let rows = min(chunk[axis], shape[axis])
      row = rows * shape.strides[axis]
      let inner = zip(shape.extents, chunk).dropFirst(axis + 1)
      let across = inner.reduce(1.0) { $0 * (Double($1.0) / Double($1.1)).rounded(.up) }
      if across > Double(Self.mostChunks) {
        // Part of a row: a range of the last axis touches a chunk for each of its extents at most.
        most = min(most, min(chunk[chunk.count - 1], shape[shape.rank - 1]) * Self.mostChunks)
      } else {
        most = min(
          most, Int(clamping: row.multipliedReportingOverflow(by: max(1, Self.mostChunks / Int(across))).0))
      }
    }
    var pieces: [Range<Int>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let furthest = start + min(most, range.upperBound - start)
      let whole = furthest / row * row
      let end = furthest < range.upperBound && whole > start ? whole : furthest
      pieces.append(start..<end)
      start = end
    }
    return pieces
  }
}
