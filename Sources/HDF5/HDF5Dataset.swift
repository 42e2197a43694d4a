import CHDF5
public import Tensors

/// How a new dataset lies in the file.
public enum HDF5Storage: Sendable {
  /// In one piece as in memory: written and read at the speed of the disk.
  case contiguous
  /// In chunks of about 1 MiB, bytes shuffled, gzip level 4, Fletcher-32 checksums. Data under 4 KiB stay
  /// contiguous: there a chunk's index costs more than gzip saves.
  case compressed
}

/// An array in an HDF5 file.
public struct HDF5Dataset: ~Copyable, Sendable {
  let handle: Handle
  let place: Place
  /// The extent of every axis.
  public let shape: Shape

  /// Chunks of the file that a dataset keeps unpacked, so that ranges may begin in the middle of one.
  private static let cacheBytes = 16 << 20
  private static let chunkBytes = 1 << 20
  private static let smallestCompressed = 4096
  /// Chunks that the library may read in one call, for each of which it takes some 4 KB.
  private static let mostChunks = 1 << 13
  /// How many elements may be read in one call, where there are more chunks than that.
  private let longestRead: Int?

  init(opening name: String, in parent: hid_t, _ place: Place) throws {
    self.place = place
    let action = "open the dataset"
    let access = try Handle(action, place) { H5Pcreate(chdf5_dataset_access()) }
    try access.refuseExternalLinks(place)
    try Library.call(action, place) { H5Pset_chunk_cache(access.id, 521, Self.cacheBytes, 0.75) }
    let opened = try Handle(action, place) { H5Dopen2(parent, name, access.id) }
    let creation = try Handle(action, place) { H5Dget_create_plist(opened.id) }
    let layout = try Library.call(action, place) { H5Pget_layout(creation.id).rawValue }
    let externalFiles = try Library.call(action, place) { H5Pget_external_count(creation.id) }
    guard layout != H5D_VIRTUAL.rawValue, externalFiles == 0 else {
      throw HDF5Error.unsupported(
        file: place.file, object: place.object, found: "a dataset whose data lie in other files")
    }
    let isChunked = layout == H5D_CHUNKED.rawValue
    if let stored = place.stored {
      try stored.check(ArrayClaim(of: opened, creation, isChunked: isChunked, place), place)
    }
    if isChunked { try LZFFilter.check(creation, of: opened, place) }
    let shape = try opened.shape(action, place) { H5Dget_space($0) }
    let longestRead = isChunked ? try Self.longestRead(creation, of: shape, place) : nil
    (self.shape, self.longestRead) = (shape, longestRead)
    handle = opened
  }

  /// Elements of so many chunks as one call may read: a range of rows touches a chunk for each of its last extents at most.
  private static func longestRead(_ creation: borrowing Handle, of shape: Shape, _ place: Place) throws -> Int?
  {
    let extents = try chunkExtents(creation, "read its layout", place).map { max(1, Int(clamping: $0)) }
    let chunks = zip(shape.extents, extents).reduce(1.0) { $0 * (Double($1.0) / Double($1.1)).rounded(.up) }
    guard chunks > Double(mostChunks), let last = zip(shape.extents, extents).map(min).last else { return nil }
    return last * mostChunks
  }

  /// The dataset's path within the file.
  public var path: String { place.object }

  /// Whether its elements are numbers, truths or opaque bytes, of which some are tensors'; not text, lists or references.
  ///
  /// - Throws: `HDF5Error`.
  public func holdsNumbers() throws -> Bool {
    let type = try Handle("read the element type", place) { [id = handle.id] in H5Dget_type(id) }
    let kind = try Library.call("read the element type", place) { H5Tget_class(type.id).rawValue }
    return ![H5T_STRING, H5T_VLEN, H5T_REFERENCE, H5T_TIME].contains { $0.rawValue == kind }
  }

  init(
    creating name: String, in parent: hid_t, _ type: ElementType, _ shape: Shape, _ storage: HDF5Storage,
    _ place: Place
  ) throws {
    self.place = place
    self.shape = shape
    let action = "create the dataset"
    let creation = try Handle(action, place) { H5Pcreate(chdf5_dataset_creation()) }
    try Library.call(action, place) { H5Pset_obj_track_times(creation.id, false) }
    try Library.call(action, place) { H5Pset_fill_time(creation.id, H5D_FILL_TIME_NEVER) }
    if storage == .compressed, shape.count * type.byteCount >= Self.smallestCompressed {
      let chunk = Self.chunk(of: shape, bytes: type.byteCount).map { hsize_t($0) }
      try Library.call(action, place) { H5Pset_chunk(creation.id, Int32(chunk.count), chunk) }
      try Library.call(action, place) { H5Pset_shuffle(creation.id) }
      try Library.call(action, place) { H5Pset_deflate(creation.id, 4) }
      try Library.call(action, place) { H5Pset_fletcher32(creation.id) }
    }
    let element = try type.makeHandle(place)
    let extents = shape.extents.map { hsize_t($0) }
    let space = try Handle(action, place) { H5Screate_simple(Int32(extents.count), extents, nil) }
    let created = try Handle(action, place) {
      H5Dcreate2(parent, name, element.id, space.id, chdf5_default(), creation.id, chdf5_default())
    }
    longestRead = nil
    handle = created
  }

  /// The largest block of whole inner rows within the size of a chunk.
  static func chunk(of shape: Shape, bytes: Int) -> [Int] {
    var chunk = [Int](repeating: 1, count: shape.rank)
    var room = max(1, chunkBytes / bytes)
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      chunk[axis] = min(shape[axis], room)
      room /= chunk[axis]
      if room <= 1 { break }
    }
    return chunk
  }

  /// Ranges of elements, counted row-major, to write a new dataset in: whole chunks where there are such, of which one in
  /// two parts would be packed twice, or else of about so many bytes.
  public func pieces(of type: ElementType, _ storage: HDF5Storage, bytes: Int) -> [Range<Int>] {
    let count = shape.count
    guard storage == .compressed, count * type.byteCount >= Self.smallestCompressed else {
      let step = max(1, bytes / type.byteCount)
      return stride(from: 0, to: count, by: step).map { $0..<min(count, $0 + step) }
    }
    let chunk = Self.chunk(of: shape, bytes: type.byteCount)
    // Within a chunk all inner axes are whole and the outer ones 1.
    let axis = chunk.indices.first { chunk[$0] > 1 } ?? max(0, shape.rank - 1)
    let row = shape.strides[axis]
    return stride(from: 0, to: count, by: shape[axis] * row).flatMap { start in
      stride(from: 0, to: shape[axis], by: chunk[axis]).map { first in
        start + first * row..<start + min(shape[axis], first + chunk[axis]) * row
      }
    }
  }

  /// Where the dataset lies in its file: the same for all of its names.
  ///
  /// - Throws: `HDF5Error`.
  public func address() throws -> UInt64 { try handle.address(place) }

  /// How the dataset lies in the file; in chunks is called compressed, whatever the filters.
  ///
  /// - Throws: `HDF5Error`.
  public func storage() throws -> HDF5Storage {
    let creation = try Handle("read its layout", place) { [id = handle.id] in H5Dget_create_plist(id) }
    let layout = try Library.call("read its layout", place) { H5Pget_layout(creation.id).rawValue }
    return layout == H5D_CHUNKED.rawValue ? .compressed : .contiguous
  }

  /// How many bytes its elements take in the file.
  ///
  /// - Throws: `HDF5Error`.
  public func storedByteCount() throws -> Int {
    // Zero is a count as well as the sign of a failure, which an open dataset doesn't have.
    Int(
      clamping: try Library.call("read its size", place) { [id = handle.id] in
        Int64(clamping: H5Dget_storage_size(id))
      })
  }

  /// How the elements are encoded.
  ///
  /// - Throws: `HDF5Error.unsupported` for a type that no tensor has, such as text.
  public func elementType() throws -> ElementType {
    let type = try Handle("read the element type", place) { [id = handle.id] in H5Dget_type(id) }
    return try ElementType(of: type, place)
  }

  /// Where in the file the elements' bytes begin, if they lie there in one piece as Float32 of this machine.
  func contiguousStart() throws -> Int? {
    let action = "find the elements"
    let creation = try Handle(action, place) { [id = handle.id] in H5Dget_create_plist(id) }
    let layout = try Library.call(action, place) { H5Pget_layout(creation.id).rawValue }
    guard layout == H5D_CONTIGUOUS.rawValue, 1.littleEndian == 1 else { return nil }
    let stored = try Handle(action, place) { [id = handle.id] in H5Dget_type(id) }
    let isFloat = try Library.call(action, place) { H5Tequal(stored.id, chdf5_float32()) } > 0
    // The library's calls take turns, also those that can't fail.
    let (address, bytes) = Library.value { [id = handle.id] in
      (H5Dget_offset(id), H5Dget_storage_size(id))
    }
    guard isFloat, address != chdf5_no_address(), bytes == hsize_t(shape.count * 4),
      let start = Int(exactly: address), place.stored?.holds(shape.count * 4, at: start) ?? true
    else { return nil }
    return start
  }

  /// The numbers of the filters that its chunks pass through, as HDF5 registers them.
  public func filters() throws -> [Int] {
    let action = "read its filters"
    let creation = try Handle(action, place) { [id = handle.id] in H5Dget_create_plist(id) }
    return try Self.filters(creation, place)
  }

  /// The extent of a chunk along every axis, of a dataset that is chunked.
  static func chunkExtents(
    _ creation: borrowing Handle, _ action: String, _ place: Place
  ) throws(HDF5Error) -> [hsize_t] {
    var extents = [hsize_t](repeating: 0, count: 32)
    let rank = try Library.call(action, place) { [id = creation.id] in
      H5Pget_chunk(id, Int32(extents.count), &extents)
    }
    return Array(extents.prefix(Int(rank)))
  }

  static func filters(_ creation: borrowing Handle, _ place: Place) throws(HDF5Error) -> [Int] {
    let action = "read its filters"
    let count = try Library.call(action, place) { [id = creation.id] in H5Pget_nfilters(id) }
    var filters: [Int] = []
    for index in 0..<UInt32(count) {
      var (flags, parameters, configuration): (UInt32, Int, UInt32) = (0, 0, 0)
      filters.append(
        Int(
          try Library.call(action, place) { [id = creation.id] in
            H5Pget_filter2(id, index, &flags, &parameters, nil, 0, nil, &configuration)
          }))
    }
    return filters
  }

  /// Writes elements from `offset` on, row-major, from their little-endian bytes in the dataset's own type.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) throws {
    let element = try elementType()
    let count = bytes.count / element.byteCount
    guard bytes.count == count * element.byteCount, offset >= 0, offset + count <= shape.count else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "at most \(shape.count) elements of \(shape)",
        found: "\(bytes.count) bytes of \(element.rawValue) at \(offset)")
    }
    let type = try element.makeHandle(place)
    try eachBlock(of: offset..<offset + count) { position, memory, file throws(HDF5Error) in
      try Library.call("write elements", place) { [id = handle.id] in
        H5Dwrite(
          id, type.id, memory, file, chdf5_default(),
          bytes.baseAddress.map { $0 + position * element.byteCount })
      }
    }
  }

  /// Reads elements from `offset` on as Float32, converted where they are other numbers.
  public func read(from offset: Int = 0, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    let type = try ElementType.float32.makeHandle(place)
    try read(from: offset, count: buffer.count, into: UnsafeMutableRawBufferPointer(buffer), type, bytes: 4)
  }

  /// Reads elements from `offset` on into their little-endian bytes in the dataset's own type.
  public func read(from offset: Int = 0, into bytes: UnsafeMutableRawBufferPointer) throws {
    let element = try elementType()
    guard bytes.count % element.byteCount == 0 else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "memory for whole elements of \(element.rawValue)",
        found: "\(bytes.count) bytes")
    }
    let type = try element.makeHandle(place)
    try read(
      from: offset, count: bytes.count / element.byteCount, into: bytes, type, bytes: element.byteCount)
  }

  /// Reads the whole dataset as Float32, converted where it holds other numbers.
  public func tensor() throws -> Tensor {
    try Tensor(shape) { try read(into: $0) }
  }

  private func read(
    from offset: Int, count: Int, into memory: UnsafeMutableRawBufferPointer, _ type: borrowing Handle,
    bytes: Int
  ) throws {
    guard offset >= 0, offset + count <= shape.count else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "elements within \(shape.count) of \(shape)",
        found: "\(offset)..<\(offset + count)")
    }
    let typeID = type.id
    let step = max(1, longestRead ?? count)
    for start in stride(from: 0, to: count, by: step) {
      let piece = offset + start..<offset + min(count, start + step)
      try eachBlock(of: piece) { position, memorySpace, fileSpace throws(HDF5Error) in
        try Library.call("read elements", place) { [id = handle.id] in
          H5Dread(
            id, typeID, memorySpace, fileSpace, chdf5_default(),
            memory.baseAddress.map { $0 + (start + position) * bytes })
        }
      }
    }
  }

  /// Calls `body` for every rectangular block that makes up a range of elements counted row-major: with the
  /// block's position in the range, its extent in memory and its place in the file.
  private func eachBlock(
    of range: Range<Int>, _ body: (Int, hid_t, hid_t) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    guard !range.isEmpty else { return }
    guard range.count < shape.count else { return try body(0, chdf5_everything(), chdf5_everything()) }
    let file = try Handle("select elements", place) { [id = handle.id] in H5Dget_space(id) }
    var position = 0
    for block in ElementBlock.covering(range, of: shape) {
      let start = block.start.map { hsize_t($0) }
      let extent = block.extent.map { hsize_t($0) }
      try Library.call("select elements", place) {
        H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, nil, extent, nil)
      }
      let memory = try Handle("select elements", place) {
        withUnsafePointer(to: hsize_t(block.count)) { H5Screate_simple(1, $0, nil) }
      }
      try body(position, memory.id, file.id)
      position += block.count
    }
  }
}

extension Handle {
  /// Where a group or dataset lies in its file: the same for all of its names.
  func address(_ place: Place) throws(HDF5Error) -> UInt64 {
    var address: UInt64 = 0
    try Library.call("find its place", place) { [id] in chdf5_address(id, &address) }
    return address
  }

  /// The extents of the dataspace that `open` gets from this object.
  func shape(_ action: String, _ place: Place, _ open: (hid_t) -> hid_t) throws(HDF5Error) -> Shape {
    let space = try Handle(action, place) { [id] in open(id) }
    guard try Library.call(action, place, { H5Sget_simple_extent_type(space.id).rawValue }) != H5S_NULL.rawValue
    else { throw .unsupported(file: place.file, object: place.object, found: "an empty dataspace") }
    let rank = try Library.call(action, place) { H5Sget_simple_extent_ndims(space.id) }
    var extents = [hsize_t](repeating: 0, count: Int(rank))
    try Library.call(action, place) { H5Sget_simple_extent_dims(space.id, &extents, nil) }
    // A lying file could make a product overflow, which would trap.
    guard let shape = Shape(counting: extents.map { Int(clamping: $0) }) else {
      throw .unsupported(file: place.file, object: place.object, found: "a dataset of extents \(extents)")
    }
    return shape
  }
}
