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
/// Names are paths: `blocks/3/weight` is found below this group. Links that lead into other files are not followed.
public struct HDF5Group: Sendable {
  private let file: OpenedFile
  private let location: UInt64
  private let place: Place

  init(_ file: OpenedFile, _ address: UInt64, _ place: Place) {
    (self.file, location, self.place) = (file, address, place)
  }

  /// The group's path within the file.
  public var path: String { place.object }

  /// Where the group lies in its file: the same for all of its names.
  public var address: UInt64 { location }

  /// The names of what is in the group, in byte order.
  ///
  /// - Throws: `HDF5Error`.
  public func children() throws -> [String] { try file.links(of: location, place).names }

  /// What `name` stands for, or nil when there is nothing of that name.
  ///
  /// - Throws: `HDF5Error` where it can't be looked at, such as a link that leads into another file.
  public func kind(of name: String) throws -> HDF5Kind? { try target(of: name)?.kind }

  /// Opens the group called `name`.
  ///
  /// - Throws: `HDF5Error.missing`, `HDF5Error.wrongKind`.
  public func group(_ name: String) throws -> HDF5Group {
    HDF5Group(file, try require(.group, name).address, place.child(name))
  }

  /// Opens the dataset called `name`.
  ///
  /// - Throws: `HDF5Error.missing`, `HDF5Error.wrongKind`, `HDF5Error.unsupported` when its data lie in other files,
  ///   `HDF5Error.excessive` when it claims more elements than its bytes can stand for.
  public func dataset(_ name: String) throws -> HDF5Dataset {
    let target = try require(.dataset, name)
    let place = place.child(name)
    guard let description = try target.description?.get(at: place) ?? nil else {
      throw HDF5Error.unsupported(
        file: place.file, object: place.object, found: "a dataset whose data lie in other files")
    }
    return try HDF5Dataset(file, target.address, description, place)
  }

  /// The value attached under `name`, or nil.
  ///
  /// - Throws: `HDF5Error.unsupported` for anything but one text or number.
  public func attribute(_ name: String) throws -> HDF5Attribute? {
    try file.attribute(name, of: location, place)
  }

  /// The names of the values attached to the group, in byte order.
  ///
  /// - Throws: `HDF5Error`.
  public func attributeNames() throws -> [String] { try file.attributes(of: location, place).map(\.name) }

  /// The attributes of the group, whatever they hold.
  ///
  /// - Parameter limit: How many bytes of one are looked at, of at most 64 MiB.
  /// - Throws: `HDF5Error.failed`.
  public func attributeContents(limit: Int) throws -> [HDF5AttributeContent] {
    try file.attributeContents(of: location, limit: limit, place)
  }

  private func require(_ expected: HDF5Kind, _ name: String) throws(HDF5Error) -> LinkTarget {
    let found = try target(of: name)
    let place = place.child(name)
    guard let found else { throw .missing(file: place.file, object: place.object) }
    guard found.kind == expected else {
      throw .wrongKind(
        file: place.file, object: place.object, expected: "a \(expected.rawValue)",
        found: "a \(found.kind.rawValue)")
    }
    return found
  }

  /// What a path leads to, step by step; nil where there is no such step.
  private func target(of name: String) throws(HDF5Error) -> LinkTarget? {
    let isAbsolute = name.hasPrefix("/")
    var place = isAbsolute ? Place(file: place.file, object: "/") : place
    var target = LinkTarget(kind: .group, address: isAbsolute ? file.root : location)
    // A name may be empty, where it stands alone.
    for step in name.isEmpty ? [""] : name.split(separator: "/").map(String.init) {
      guard target.kind == .group else { return nil }
      let links = try file.links(of: target.address, place)
      place = place.child(step)
      guard let found = try links[step]?.get(at: place) else { return nil }
      target = found
    }
    return target
  }
}
