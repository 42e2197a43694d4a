/// Takes numbers, strings and values from a GGUF header one after another, none beyond its end.
struct GGUFCursor {
  private let view: ByteView
  /// Whether the file goes on behind the bytes that may be read as header.
  private let isCut: Bool
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, limit: Int) {
    view = ByteView(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(limit)))
    isCut = bytes.count > limit
  }

  private var available: Int { view.count - offset }

  private func end(_ error: GGUFError) -> GGUFError { isCut ? .headerLength(limit: view.count) : error }

  mutating func integer<Number: FixedWidthInteger>(
    _ field: @autoclosure () -> String, _ type: Number.Type = Number.self
  ) throws(GGUFError) -> Number {
    guard let number = view.integer(type, at: offset) else {
      throw end(.truncated(field: field(), offset: offset))
    }
    offset += MemoryLayout<Number>.size
    return number
  }

  mutating func string(_ field: @autoclosure () -> String) throws(GGUFError) -> String {
    let declared = try integer("the length of \(field())", UInt64.self)
    guard declared <= UInt64(available), let bytes = view.slice(at: offset, count: Int(declared)) else {
      throw end(.stringLength(field: field(), declared: declared, available: available))
    }
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw .text(field: field(), offset: offset)
    }
    offset += bytes.count
    return string
  }

  /// A number of things of at least `byteCount` bytes each, which the rest of the file must have room for.
  mutating func count(of what: String, byteCount: Int, limit: Int = .max) throws(GGUFError) -> Int {
    let declared = try integer("the number of \(what)", UInt64.self)
    guard declared <= UInt64(limit) else { throw .limit(what: what, declared: declared, limit: limit) }
    guard declared <= UInt64(available / byteCount) else {
      throw end(.count(what: what, declared: declared, available: available))
    }
    return Int(declared)
  }

  /// The value of `key`.
  mutating func value(of key: String) throws(GGUFError) -> GGUFValue {
    let number = try integer("the type of '\(key)'", UInt32.self)
    guard let type = GGUFTypes.Value(rawValue: number) else { throw .valueType(key: key, found: number) }
    return type == .array ? try array(of: key) : try scalar(type, of: key)
  }

  private mutating func array(of key: String) throws(GGUFError) -> GGUFValue {
    let number = try integer("the element type of '\(key)'", UInt32.self)
    guard let type = GGUFTypes.Value(rawValue: number) else { throw .valueType(key: key, found: number) }
    guard type != .array else { throw .nestedArray(key: key) }
    let count = try count(of: "elements of '\(key)'", byteCount: type.minimumByteCount)
    switch type {
    case .string:
      // Only one list of strings is asked for; the others are checked and forgotten.
      var strings: [String] = []
      for _ in 0..<count {
        let string = try string("an element of '\(key)'")
        if key == GGUFKeys.fullNames { strings.append(string) }
      }
      return .strings(strings)
    case .bool:
      for _ in 0..<count { _ = try scalar(.bool, of: key) }
    default: offset += count * type.minimumByteCount
    }
    return .numbers
  }

  private mutating func scalar(_ type: GGUFTypes.Value, of key: String) throws(GGUFError) -> GGUFValue {
    let field = "the value of '\(key)'"
    switch type {
    case .uint8: return .number("\(try integer(field, UInt8.self))")
    case .int8: return .number("\(try integer(field, Int8.self))")
    case .uint16: return .number("\(try integer(field, UInt16.self))")
    case .int16: return .number("\(try integer(field, Int16.self))")
    case .uint32: return .uint32(try integer(field))
    case .int32: return .number("\(try integer(field, Int32.self))")
    case .uint64: return .number("\(try integer(field, UInt64.self))")
    case .int64: return .number("\(try integer(field, Int64.self))")
    case .float32: return .number("\(Float(bitPattern: try integer(field)))")
    case .float64: return .number("\(Double(bitPattern: try integer(field)))")
    case .string: return .string(try string(field))
    case .bool:
      let truth = try integer(field, UInt8.self)
      guard truth <= 1 else { throw .truth(key: key, found: truth) }
      return .number(truth == 1 ? "true" : "false")
    case .array: throw .nestedArray(key: key)
    }
  }
}

/// A value of a GGUF header, as far as anybody asks for it.
enum GGUFValue {
  case string(String)
  case uint32(UInt32)
  /// Any other number, printed.
  case number(String)
  /// A list of strings, kept for the tensors' full names only.
  case strings([String])
  /// A list of numbers, not kept.
  case numbers

  /// What a checkpoint's metadata keep of it.
  var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    case .uint32(let number): "\(number)"
    case .strings, .numbers: nil
    }
  }
}
