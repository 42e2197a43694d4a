/// Reads the dictionary that a `.npy` header is: texts, truth values and tuples of whole numbers, as Python writes them.
/// Nothing else is understood, and nothing is evaluated.
struct PythonLiteral {
  /// A value of the dictionary.
  enum Value: Equatable {
    case text(String)
    case flag(Bool)
    case numbers([Int])
    /// A list, such as the fields of a structured type.
    case other
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The whole text as one dictionary, with nothing but white space behind it.
  mutating func dictionary() throws(NumPyError) -> [String: Value] {
    var fields: [String: Value] = [:]
    try expect("{")
    while !take("}") {
      let key = try text()
      try expect(":")
      guard fields.updateValue(try value(), forKey: key) == nil else { throw syntax("one key '\(key)'") }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.count else { throw syntax("the end of the header") }
    return fields
  }

  private mutating func value() throws(NumPyError) -> Value {
    skipSpace()
    switch current {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "("): return .numbers(try tuple())
    case UInt8(ascii: "["):
      try skipList()
      return .other
    default:
      for (word, truth) in [("True", true), ("False", false)]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return .flag(truth)
      }
      throw syntax("a text, a tuple, True or False")
    }
  }

  private mutating func text() throws(NumPyError) -> String {
    skipSpace()
    guard let quote = current, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw syntax("a quoted text")
    }
    let start = position + 1
    guard let end = bytes[start...].firstIndex(of: quote), !bytes[start..<end].contains(UInt8(ascii: "\\")),
      let text = String(validating: bytes[start..<end], as: UTF8.self)
    else { throw syntax("a plain text that ends") }
    position = end + 1
    return text
  }

  private mutating func tuple() throws(NumPyError) -> [Int] {
    try expect("(")
    var numbers: [Int] = []
    while !take(")") {
      skipSpace()
      let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else { throw syntax("a whole number") }
      position += digits.count
      // Python 2 marked long integers.
      _ = take("L")
      numbers.append(number)
      if !take(",") {
        try expect(")")
        break
      }
    }
    return numbers
  }

  /// Goes past a list by its brackets; texts may hold brackets too.
  private mutating func skipList() throws(NumPyError) {
    var depth = 0
    repeat {
      switch current {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        _ = try text()
        continue
      case nil: throw syntax("a list that ends")
      default: break
      }
      position += 1
    } while depth > 0
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let current, current == 0x20 || (0x09...0x0d).contains(current) { position += 1 }
  }

  /// Goes past a character if it comes next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(NumPyError) {
    guard take(character) else { throw syntax("'\(character)'") }
  }

  private func syntax(_ expected: String) -> NumPyError {
    .syntax(expected: expected, found: String(decoding: bytes[position...].prefix(20), as: UTF8.self))
  }
}
