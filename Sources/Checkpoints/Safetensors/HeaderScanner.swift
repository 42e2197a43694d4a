/// Scans the JSON of a safetensors header, only as much of JSON as the format uses: objects of known depth,
/// strings and lists of natural numbers. Nothing nests freely, so nothing can nest too deep, and every key is
/// seen, so none can hide behind another.
/// Source: RFC 8259.
struct HeaderScanner {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func unexpected(_ expected: String, found: String? = nil) -> SafetensorsError {
    let next = bytes[min(offset, bytes.count)...].prefix(12)
    let text = next.isEmpty ? "the end" : "'\(String(decoding: next, as: UTF8.self))'"
    return .syntax(expected: expected, found: found ?? text, offset: offset)
  }

  private mutating func skipSpace() {
    while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
  }

  /// Takes one punctuation mark, if it comes next.
  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard offset < bytes.count, UInt32(bytes[offset]) == mark.value else { return false }
    offset += 1
    return true
  }

  private mutating func require(_ mark: Unicode.Scalar) throws(SafetensorsError) {
    guard take(mark) else { throw unexpected("'\(mark)'") }
  }

  /// An object; `member` is given each key and scans its value.
  mutating func object(
    _ member: (inout HeaderScanner, String) throws(SafetensorsError) -> Void
  ) throws(SafetensorsError) {
    try require("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try require(":")
      try member(&self, key)
    } while take(",")
    try require("}")
  }

  /// A list of natural numbers.
  mutating func integers() throws(SafetensorsError) -> [Int] {
    try require("[")
    if take("]") { return [] }
    var numbers: [Int] = []
    repeat { numbers.append(try integer()) } while take(",")
    try require("]")
    return numbers
  }

  private mutating func integer() throws(SafetensorsError) -> Int {
    skipSpace()
    let digits = bytes[offset...].prefix { 0x30...0x39 ~= $0 }
    guard let first = digits.first, first != 0x30 || digits.count == 1,
      let number = Int(String(decoding: digits, as: UTF8.self))
    else { throw unexpected("a natural number below 2^63") }
    offset += digits.count
    return number
  }

  /// A string, its escapes resolved.
  mutating func string() throws(SafetensorsError) -> String {
    try require("\"")
    var text: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case 0x22:
        offset += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw unexpected("UTF-8 text before")
        }
        return string
      case 0x5c: text += Array(String(try escape()).utf8)
      case ..<0x20: throw unexpected("no control character in a string")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw unexpected("the end of a string")
  }

  private mutating func escape() throws(SafetensorsError) -> Unicode.Scalar {
    offset += 1
    guard offset < bytes.count else { throw unexpected("an escape") }
    let plain: [UInt8: Unicode.Scalar] = [
      0x22: "\"", 0x5c: "\\", 0x2f: "/", 0x62: "\u{8}", 0x66: "\u{c}", 0x6e: "\n", 0x72: "\r", 0x74: "\t",
    ]
    if let scalar = plain[bytes[offset]] {
      offset += 1
      return scalar
    }
    let first = try codeUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard UTF16.isLeadSurrogate(first), offset < bytes.count, bytes[offset] == 0x5c else {
      throw unexpected("the second half of a surrogate pair")
    }
    offset += 1
    let second = try codeUnit()
    guard UTF16.isTrailSurrogate(second) else { throw unexpected("a surrogate pair before") }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  /// `u` and four hexadecimal digits.
  private mutating func codeUnit() throws(SafetensorsError) -> UInt16 {
    let digits = bytes[min(offset + 1, bytes.count)...].prefix(4)
    guard offset < bytes.count, bytes[offset] == 0x75, digits.count == 4,
      digits.allSatisfy({ 0x30...0x39 ~= $0 || 0x41...0x46 ~= $0 || 0x61...0x66 ~= $0 }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw unexpected("an escape") }
    offset += 5
    return unit
  }

  /// Nothing but the padding spaces may follow.
  mutating func end() throws(SafetensorsError) {
    while offset < bytes.count, bytes[offset] == 0x20 { offset += 1 }
    guard offset == bytes.count else { throw unexpected("the end of the header") }
  }
}
