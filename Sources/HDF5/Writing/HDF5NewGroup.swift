import CHDF5
public import Tensors

/// A group of a file that is written: a folder of named groups and datasets, with attributes of its own.
///
/// Names are paths: `blocks/3/weight` is below this group, and groups on the way are made.
public struct HDF5NewGroup: ~Copyable, Sendable {
  private let handle: Handle
  private let place: Place

  /// The group's path within the file.
  public var path: String { place.object }

  init(opening name: String, in parent: hid_t, _ place: Place) throws {
    self.place = place
    handle = try Handle("open the group", place) { H5Gopen2(parent, name, chdf5_default()) }
  }

  private init(creating name: String, in parent: hid_t, _ place: Place) throws {
    self.place = place
    let creation = try Handle("create the group", place) { H5Pcreate(chdf5_group_creation()) }
    try Library.call("create the group", place) { H5Pset_obj_track_times(creation.id, false) }
    handle = try Handle("create the group", place) {
      H5Gcreate2(parent, name, chdf5_default(), creation.id, chdf5_default())
    }
  }

  /// Attaches a value to the group under a name that is not yet taken.
  ///
  /// - Throws: `HDF5Error.failed`.
  public func setAttribute(_ name: String, _ value: HDF5Attribute) throws {
    try handle.setAttribute(name, value, place)
  }

  /// Makes the group called `name`, and those on the way, unless they are there already.
  ///
  /// - Throws: `HDF5Error.wrongKind` when a dataset is in the way.
  public func createGroup(_ name: String) throws -> HDF5NewGroup {
    var current = try HDF5NewGroup(opening: name.hasPrefix("/") ? "/" : ".", in: handle.id, place)
    var passed = place
    if name.hasPrefix("/") { passed.object = "/" }
    for step in name.split(separator: "/").map(String.init) {
      passed = passed.child(step)
      let exists = try Library.call("look for it", passed) { [id = current.handle.id] in
        H5Lexists(id, step, chdf5_default())
      }
      current =
        try exists > 0
        ? HDF5NewGroup(opening: step, in: current.handle.id, passed)
        : HDF5NewGroup(creating: step, in: current.handle.id, passed)
    }
    return current
  }

  /// Makes a dataset whose elements are written afterwards.
  ///
  /// - Throws: `HDF5Error.failed` when the name is taken.
  public func createDataset(
    _ name: String, _ type: ElementType, _ shape: Shape, storage: HDF5Storage = .contiguous
  ) throws -> HDF5NewDataset {
    let place = place.child(name)
    if let slash = name.lastIndex(of: "/"), slash > name.startIndex {
      _ = try createGroup(String(name[..<slash]))
    }
    return try HDF5NewDataset(creating: name, in: handle.id, type, shape, storage, place)
  }

  /// Writes a dataset of Float32.
  public func write(_ name: String, _ tensor: Tensor, storage: HDF5Storage = .contiguous) throws {
    try tensor.withElements {
      try write(name, UnsafeRawBufferPointer($0), as: .float32, tensor.shape, storage: storage)
    }
  }

  /// Writes a dataset of any element type from its little-endian bytes, row-major.
  public func write(
    _ name: String, _ bytes: UnsafeRawBufferPointer, as type: ElementType, _ shape: Shape,
    storage: HDF5Storage = .contiguous
  ) throws {
    let dataset = try createDataset(name, type, shape, storage: storage)
    try dataset.write(bytes)
  }

  /// Makes `name` another name of the object at `existing`; the data are stored once.
  public func link(_ name: String, to existing: String) throws {
    if let slash = name.lastIndex(of: "/"), slash > name.startIndex {
      _ = try createGroup(String(name[..<slash]))
    }
    try Library.call("link it to \(existing)", place.child(name)) { [id = handle.id] in
      H5Lcreate_hard(id, existing, id, name, chdf5_default(), chdf5_default())
    }
  }
}

extension Handle {
  fileprivate func setAttribute(_ name: String, _ value: HDF5Attribute, _ place: Place) throws(HDF5Error) {
    let action = "write the attribute \(name)"
    let space = try Handle(action, place) { H5Screate(H5S_SCALAR) }
    let type = try Handle.type(of: value, action, place)
    let attribute = try Handle(action, place) { [id] in
      H5Acreate2(id, name, type.id, space.id, chdf5_default(), chdf5_default())
    }
    try Library.call(action, place) {
      switch value {
      case .string(let text):
        text.withCString { text in withUnsafePointer(to: text) { H5Awrite(attribute.id, type.id, $0) } }
      case .integer(let number): withUnsafePointer(to: number) { H5Awrite(attribute.id, type.id, $0) }
      case .real(let number): withUnsafePointer(to: number) { H5Awrite(attribute.id, type.id, $0) }
      }
    }
  }

  /// The type in the file: for text, UTF-8 of any length, which h5py reads as `str`.
  private static func type(
    of value: HDF5Attribute, _ action: String, _ place: Place
  ) throws(HDF5Error) -> Handle {
    switch value {
    case .integer: return try Handle(action, place) { H5Tcopy(chdf5_int64()) }
    case .real: return try Handle(action, place) { H5Tcopy(chdf5_float64()) }
    case .string:
      let text = try Handle(action, place) { H5Tcopy(chdf5_c_string()) }
      try Library.call(action, place) { H5Tset_size(text.id, chdf5_variable_length()) }
      try Library.call(action, place) { H5Tset_cset(text.id, H5T_CSET_UTF8) }
      return text
    }
  }
}
