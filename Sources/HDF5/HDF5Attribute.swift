import CHDF5
import Tensors

/// The value of an attribute: a small fact attached to a group or dataset.
public enum HDF5Attribute: Equatable, Sendable {
  /// Text in UTF-8.
  case string(String)
  /// A whole number.
  case integer(Int64)
  /// A real number.
  case real(Double)
}

extension HDF5Group {
  /// Attaches a value to the group under a name that is not yet taken.
  public func setAttribute(_ name: String, _ value: HDF5Attribute) throws {
    try handle.setAttribute(name, value, place)
  }

  /// The value attached under `name`, or nil.
  ///
  /// - Throws: `HDF5Error.unsupported` for anything but one text or number.
  public func attribute(_ name: String) throws -> HDF5Attribute? {
    try handle.attribute(name, place)
  }

  /// The names of the values attached to the group, in byte order.
  public func attributeNames() throws -> [String] { try handle.attributeNames(place) }
}

extension Handle {
  func attributeNames(_ place: Place) throws(HDF5Error) -> [String] {
    var names: [String] = []
    let status = withUnsafeMutablePointer(to: &names) { names in
      Result { () throws(HDF5Error) in
        try Library.call("list the attributes", place) { [id] in
          H5Aiterate2(
            id, H5_INDEX_NAME, H5_ITER_INC, nil,
            { _, name, _, context in
              guard let name, let context else { return 0 }
              context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
              return 0
            }, names)
        }
      }
    }
    _ = try status.get()
    return names
  }

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

  fileprivate func attribute(_ name: String, _ place: Place) throws(HDF5Error) -> HDF5Attribute? {
    let action = "read the attribute \(name)"
    guard try Library.call(action, place, { [id] in H5Aexists(id, name) }) > 0 else { return nil }
    let attribute = try Handle(action, place) { [id] in H5Aopen(id, name, chdf5_default()) }
    let type = try Handle(action, place) { H5Aget_type(attribute.id) }
    guard try attribute.shape(action, place, { H5Aget_space($0) }).count == 1 else {
      throw .unsupported(file: place.file, object: place.object, found: "the list in attribute \(name)")
    }
    switch try Library.call(action, place, { H5Tget_class(type.id).rawValue }) {
    case H5T_STRING.rawValue:
      return .string(try attribute.text(of: type, action, place))
    case H5T_INTEGER.rawValue, H5T_ENUM.rawValue:
      var number: Int64 = 0
      try Library.call(action, place) { H5Aread(attribute.id, chdf5_int64(), &number) }
      return .integer(number)
    case H5T_FLOAT.rawValue:
      var number = 0.0
      try Library.call(action, place) { H5Aread(attribute.id, chdf5_float64(), &number) }
      return .real(number)
    case let found:
      throw .unsupported(file: place.file, object: place.object, found: "class \(found) of attribute \(name)")
    }
  }

  /// Bytes of one text.
  private static let mostTextBytes = 64 << 20

  private func text(of type: borrowing Handle, _ action: String, _ place: Place) throws(HDF5Error) -> String {
    let typeID = type.id
    if try Library.call(action, place, { H5Tis_variable_str(typeID) }) > 0 {
      var text: UnsafeMutablePointer<CChar>?
      try Library.call(action, place) { [id] in withUnsafeMutablePointer(to: &text) { H5Aread(id, typeID, $0) }
      }
      guard let text else { return "" }
      let copy = String(cString: text)
      try Library.call(action, place) { H5free_memory(text) }
      return copy
    }
    let count = try Library.call(action, place) { Int(H5Tget_size(typeID)) }
    var bytes = [UInt8](repeating: 0, count: count)
    try Library.call(action, place) { [id] in H5Aread(id, typeID, &bytes) }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
