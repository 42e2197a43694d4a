import CHDF5
import Tensors

/// How each element type is encoded in a file: as h5py does where it has a way, as a float of the type's own
/// fields where those follow IEEE's rules, and as tagged opaque bytes where they don't.
extension ElementType {
  /// The type in the file and in memory: always little-endian.
  func makeHandle(_ place: Place) throws(HDF5Error) -> Handle {
    let action = "make the element type \(rawValue)"
    switch self {
    case .bool:
      let type = try Handle(action, place) { H5Tenum_create(chdf5_int8()) }
      for (name, code) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
        try Library.call(action, place) { withUnsafePointer(to: code) { H5Tenum_insert(type.id, name, $0) } }
      }
      return type
    case .uint8: return try Handle(action, place) { H5Tcopy(chdf5_uint8()) }
    case .uint16: return try Handle(action, place) { H5Tcopy(chdf5_uint16()) }
    case .uint32: return try Handle(action, place) { H5Tcopy(chdf5_uint32()) }
    case .uint64: return try Handle(action, place) { H5Tcopy(chdf5_uint64()) }
    case .int8: return try Handle(action, place) { H5Tcopy(chdf5_int8()) }
    case .int16: return try Handle(action, place) { H5Tcopy(chdf5_int16()) }
    case .int32: return try Handle(action, place) { H5Tcopy(chdf5_int32()) }
    case .int64: return try Handle(action, place) { H5Tcopy(chdf5_int64()) }
    case .float32: return try Handle(action, place) { H5Tcopy(chdf5_float32()) }
    case .float64: return try Handle(action, place) { H5Tcopy(chdf5_float64()) }
    case .float16: return try Self.makeFloat(bytes: 2, exponentBits: 5, bias: 15, action, place)
    case .bfloat16: return try Self.makeFloat(bytes: 2, exponentBits: 8, bias: 127, action, place)
    case .float8E5M2: return try Self.makeFloat(bytes: 1, exponentBits: 5, bias: 15, action, place)
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU:
      let type = try Handle(action, place) { H5Tcreate(H5T_OPAQUE, 1) }
      try Library.call(action, place) { H5Tset_tag(type.id, rawValue) }
      return type
    case .complex32: return try Self.makeComplex(of: .float16, action, place)
    case .complex64: return try Self.makeComplex(of: .float32, action, place)
    case .complex128: return try Self.makeComplex(of: .float64, action, place)
    }
  }

  /// A binary float: sign, exponent, then mantissa with a hidden leading one.
  private static func makeFloat(
    bytes: Int, exponentBits: Int, bias: Int, _ action: String, _ place: Place
  ) throws(HDF5Error) -> Handle {
    let type = try Handle(action, place) { H5Tcopy(chdf5_float32()) }
    let mantissaBits = bytes * 8 - 1 - exponentBits
    // The fields must lie within the type at every step, so they shrink before the type does.
    try Library.call(action, place) {
      H5Tset_fields(type.id, bytes * 8 - 1, mantissaBits, exponentBits, 0, mantissaBits)
    }
    try Library.call(action, place) { H5Tset_size(type.id, bytes) }
    try Library.call(action, place) { H5Tset_ebias(type.id, bias) }
    return type
  }

  /// A pair of floats, named as h5py names them.
  private static func makeComplex(
    of part: ElementType, _ action: String, _ place: Place
  ) throws(HDF5Error) -> Handle {
    let member = try part.makeHandle(place)
    let type = try Handle(action, place) { H5Tcreate(H5T_COMPOUND, 2 * part.byteCount) }
    try Library.call(action, place) { H5Tinsert(type.id, "r", 0, member.id) }
    try Library.call(action, place) { H5Tinsert(type.id, "i", part.byteCount, member.id) }
    return type
  }
}

/// The library's own element types, made once and never let go, for the children that read files.
enum StandardTypes {
  private struct Identifiers: @unchecked Sendable {
    /// Never changed and never let go.
    let memory: UnsafeBufferPointer<hid_t>
  }

  private static let made: Result<Identifiers, HDF5Error> = {
    do throws(HDF5Error) {
      let memory = UnsafeMutableBufferPointer<hid_t>.allocate(capacity: ElementType.allCases.count)
      for (position, type) in ElementType.allCases.enumerated() {
        memory.initializeElement(
          at: position, to: try type.makeHandle(Place(file: "memory", object: "/")).kept())
      }
      return .success(Identifiers(memory: UnsafeBufferPointer(memory)))
    } catch {
      return .failure(error)
    }
  }()

  /// Identifiers of the types, in the order of `ElementType.allCases`.
  static func all() throws(HDF5Error) -> UnsafeBufferPointer<hid_t> { try made.get().memory }

  /// Where a type stands among all.
  static func position(of type: ElementType) -> Int { ElementType.allCases.firstIndex(of: type) ?? 0 }

  /// The type that stands there; nil where none does.
  static func type(at position: UInt64) -> ElementType? {
    position < UInt64(ElementType.allCases.count) ? ElementType.allCases[Int(position)] : nil
  }
}
