import CHDF5
public import Tensors

/// What a name in a group stands for.
public enum HDF5Kind: String, Sendable {
  /// A folder of named objects.
  case group
  /// An array.
  case dataset
  /// Anything else, such as a named type.
  case other
}

/// A group of an HDF5 file: a folder of named groups and datasets, with attributes of its own.
///
/// Names are paths: `blocks/3/weight` is found below this group, and groups on the way are made when written.
/// Links that lead into other files are not followed.
public struct HDF5Group: ~Copyable, Sendable {
  let handle: Handle
  let place: Place

  /// The group's path within the file.
  public var path: String { place.object }

  init(opening name: String, in parent: hid_t, _ place: Place) throws {
    self.place = place
    let access = try Handle("open the group", place) { H5Pcreate(chdf5_group_access()) }
    try access.refuseExternalLinks(place)
    handle = try Handle("open the group", place) { H5Gopen2(parent, name, access.id) }
  }

  private init(creating name: String, in parent: hid_t, _ place: Place) throws {
    self.place = place
    let creation = try Handle("create the group", place) { H5Pcreate(chdf5_group_creation()) }
    try Library.call("create the group", place) { H5Pset_obj_track_times(creation.id, false) }
    handle = try Handle("create the group", place) {
      H5Gcreate2(parent, name, chdf5_default(), creation.id, chdf5_default())
    }
  }

  /// What `name` stands for, or nil when there is nothing of that name.
  public func kind(of name: String) throws -> HDF5Kind? {
    let place = place.child(name)
    let access = try Handle("look for it", place) { H5Pcreate(chdf5_group_access()) }
    try access.refuseExternalLinks(place)
    // The library asks for every step of a path to be tested before the next.
    var prefix = name.hasPrefix("/") ? "/" : ""
    for step in name.split(separator: "/") {
      prefix += prefix.isEmpty || prefix == "/" ? String(step) : "/\(step)"
      let exists = try Library.call("look for it", place) { [id = handle.id] in
        H5Lexists(id, prefix, access.id)
      }
      guard exists > 0 else { return nil }
    }
    let object = try Handle("open it", place) { [id = handle.id] in H5Oopen(id, name, access.id) }
    switch try Library.call("tell what it is", place, { H5Iget_type(object.id).rawValue }) {
    case H5I_GROUP.rawValue: return .group
    case H5I_DATASET.rawValue: return .dataset
    default: return .other
    }
  }

  /// Where the group lies in its file: the same for all of its names.
  ///
  /// - Throws: `HDF5Error`.
  public func address() throws -> UInt64 { try handle.address(place) }

  /// The names of what is in the group, in byte order.
  public func children() throws -> [String] {
    var names: [String] = []
    _ = try withUnsafeMutablePointer(to: &names) { names in
      try Library.call("list the group", place) { [id = handle.id] in
        chdf5_each_link(
          id,
          { name, context in
            guard let name, let context else { return }
            context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
          }, names)
      }
    }
    return names
  }

  /// Opens the group called `name`.
  ///
  /// - Throws: `HDF5Error.missing`, `HDF5Error.wrongKind`.
  public func group(_ name: String) throws -> HDF5Group {
    try require(.group, name)
    return try HDF5Group(opening: name, in: handle.id, place.child(name))
  }

  /// Opens the dataset called `name`.
  ///
  /// - Throws: `HDF5Error.missing`, `HDF5Error.wrongKind`, `HDF5Error.unsupported` when its data lie in other files.
  public func dataset(_ name: String) throws -> HDF5Dataset {
    try require(.dataset, name)
    return try HDF5Dataset(opening: name, in: handle.id, place.child(name))
  }

  private func require(_ expected: HDF5Kind, _ name: String) throws {
    let found = try kind(of: name)
    guard found != expected else { return }
    let place = place.child(name)
    guard let found else { throw HDF5Error.missing(file: place.file, object: place.object) }
    throw HDF5Error.wrongKind(
      file: place.file, object: place.object, expected: "a \(expected.rawValue)", found: "a \(found.rawValue)")
  }

  /// Makes the group called `name`, and those on the way, unless they are there already.
  ///
  /// - Throws: `HDF5Error.wrongKind` when a dataset is in the way.
  public func createGroup(_ name: String) throws -> HDF5Group {
    var current = try HDF5Group(opening: name.hasPrefix("/") ? "/" : ".", in: handle.id, place)
    var passed = name.hasPrefix("/") ? Place(file: place.file, object: "/", stored: place.stored) : place
    for step in name.split(separator: "/").map(String.init) {
      passed = passed.child(step)
      if try current.kind(of: step) == nil {
        current = try HDF5Group(creating: step, in: current.handle.id, passed)
      } else {
        current = try current.group(step)
      }
    }
    return current
  }

  /// Makes a dataset whose elements are written afterwards.
  ///
  /// - Throws: `HDF5Error.failed` when the name is taken.
  public func createDataset(
    _ name: String, _ type: ElementType, _ shape: Shape, storage: HDF5Storage = .contiguous
  ) throws -> HDF5Dataset {
    let place = place.child(name)
    if let slash = name.lastIndex(of: "/"), slash > name.startIndex {
      _ = try createGroup(String(name[..<slash]))
    }
    return try HDF5Dataset(creating: name, in: handle.id, type, shape, storage, place)
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
  /// Makes a property list for opening objects turn down links that lead into other files, which a file from
  /// elsewhere could use to make us read anything.
  func refuseExternalLinks(_ place: Place) throws(HDF5Error) {
    try Library.call("prepare to open it", place) { [id] in
      H5Pset_elink_cb(id, { _, _, _, _, _, _, _ in -1 }, nil)
    }
  }
}
