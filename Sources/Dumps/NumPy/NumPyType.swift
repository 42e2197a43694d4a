import Tensors

/// NumPy's name of an element type: byte order, kind, bytes.
struct NumPyType: Equatable {
  let type: StoredType
  let isBigEndian: Bool

  init(_ text: String) throws(NumPyError) {
    let mark = text.first
    let rest = mark.map { "<>|=".contains($0) } == true ? text.dropFirst() : text[...]
    guard rest.first != "O" else {
      throw .elementType(found: "'\(text)', pickled Python objects, which are never read")
    }
    guard let kind = rest.first, let bytes = Int(rest.dropFirst()) else {
      throw .elementType(found: "'\(text)'")
    }
    isBigEndian = mark == ">"
    switch (kind, bytes) {
    case ("b", 1): type = .numbers(.bool)
    case ("u", 1): type = .numbers(.uint8)
    case ("u", 2): type = .numbers(.uint16)
    case ("u", 4): type = .numbers(.uint32)
    case ("u", 8): type = .numbers(.uint64)
    case ("i", 1): type = .numbers(.int8)
    case ("i", 2): type = .numbers(.int16)
    case ("i", 4): type = .numbers(.int32)
    case ("i", 8): type = .numbers(.int64)
    case ("f", 2): type = .numbers(.float16)
    case ("f", 4): type = .numbers(.float32)
    case ("f", 8): type = .numbers(.float64)
    // How bfloat16 of other packages is written, among others.
    case ("V", 1...16): type = .opaque(byteCount: bytes)
    default: throw .elementType(found: "'\(text)'")
    }
  }
}
