import CHDF5
public import Tensors

/// An array of a file that is written.
public struct HDF5NewDataset: ~Copyable, Sendable {
  private let handle: Handle
  private let place: Place
  private let element: ElementType
  /// The extent of every axis.
  public let shape: Shape

  private static let chunkBytes = 1 << 20
  private static let smallestCompressed = 4096

  init(
    creating name: String, in parent: hid_t, _ type: ElementType, _ shape: Shape, _ storage: HDF5Storage,
    _ place: Place
  ) throws {
    self.place = place
    (self.shape, element) = (shape, type)
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
    let stored = try type.makeHandle(place)
    let extents = shape.extents.map { hsize_t($0) }
    let space = try Handle(action, place) { H5Screate_simple(Int32(extents.count), extents, nil) }
    let created = try Handle(action, place) {
      H5Dcreate2(parent, name, stored.id, space.id, chdf5_default(), creation.id, chdf5_default())
    }
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

  /// Writes elements from `offset` on, row-major, from their little-endian bytes in the dataset's own type.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) throws {
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
