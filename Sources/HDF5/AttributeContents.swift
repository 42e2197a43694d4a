import CHDF5
import Tensors

/// An attribute as it is stored, for who looks for what shouldn't be there.
public struct HDF5AttributeContent: Sendable {
  /// What it is attached under.
  public let name: String
  /// Its texts, or else its elements' bytes in one piece; none of references to other objects; nil where it holds lists of
  /// varying length, or more than was allowed.
  public let pieces: [[UInt8]]?
}

extension HDF5Group {
  /// The attributes of the group, whatever they hold.
  ///
  /// - Parameter limit: How many bytes of one are read at most.
  /// - Throws: `HDF5Error.failed`.
  public func attributeContents(limit: Int) throws -> [HDF5AttributeContent] {
    try handle.attributeContents(limit: limit, place)
  }
}

extension HDF5Dataset {
  /// The attributes of the dataset, whatever they hold.
  ///
  /// - Parameter limit: How many bytes of one are read at most.
  /// - Throws: `HDF5Error.failed`.
  public func attributeContents(limit: Int) throws -> [HDF5AttributeContent] {
    try handle.attributeContents(limit: limit, place)
  }
}

extension Handle {
  func attributeContents(limit: Int, _ place: Place) throws(HDF5Error) -> [HDF5AttributeContent] {
    var contents: [HDF5AttributeContent] = []
    for name in try attributeNames(place) {
      let action = "read the attribute \(name)"
      let attribute = try Handle(action, place) { [id] in H5Aopen(id, name, chdf5_default()) }
      let type = try Handle(action, place) { H5Aget_type(attribute.id) }
      contents.append(
        HDF5AttributeContent(name: name, pieces: try attribute.pieces(of: type, limit: limit, action, place)))
    }
    return contents
  }

  private func pieces(
    of type: borrowing Handle, limit: Int, _ action: String, _ place: Place
  ) throws(HDF5Error) -> [[UInt8]]? {
    let typeID = type.id
    let count = try shape(action, place, { H5Aget_space($0) }).count
    let size = try Library.call(action, place) { Int(H5Tget_size(typeID)) }
    guard count > 0 else { return [] }
    guard size > 0, count <= limit / size else { return nil }
    if try Library.call(action, place, { H5Tget_class(typeID).rawValue }) == H5T_STRING.rawValue,
      try Library.call(action, place, { H5Tis_variable_str(typeID) }) > 0
    {
      var texts = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      try Library.call(action, place) { [id] in
        texts.withUnsafeMutableBufferPointer { H5Aread(id, typeID, $0.baseAddress) }
      }
      var pieces: [[UInt8]] = []
      for text in texts {
        guard let text else { continue }
        pieces.append(String(cString: text).utf8.prefix(limit).map { $0 })
        try Library.call(action, place) { H5free_memory(text) }
      }
      return pieces
    }
    // References to other objects are no content; lists of varying length are pointers into the library's memory.
    if try Library.call(action, place, { H5Tdetect_class(typeID, H5T_REFERENCE) }) > 0 { return [] }
    if try Library.call(action, place, { H5Tdetect_class(typeID, H5T_VLEN) }) > 0 { return nil }
    var bytes = [UInt8](repeating: 0, count: count * size)
    try Library.call(action, place) { [id] in
      bytes.withUnsafeMutableBufferPointer { H5Aread(id, typeID, $0.baseAddress) }
    }
    return [bytes]
  }
}
