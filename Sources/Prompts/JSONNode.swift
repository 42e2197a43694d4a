/// A value of a JSON text that knows its line, so that an error can name it.
struct JSONNode {
  enum Value {
    case null
    case flag(Bool)
    /// A number, and how it was written.
    case number(Double, String)
    case text(String)
    case list([JSONNode])
    case object([Member])
  }

  struct Member {
    let key: String
    /// Where the key stands.
    let line: Int?
    let node: JSONNode
  }

  let value: Value
  /// Counted from 1; nil where the value comes from elsewhere than a text.
  let line: Int?

  /// What it is, for errors.
  var words: String {
    switch value {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .number(_, let text): text
    case .text(let text): "\"\(text)\""
    case .list: "a list"
    case .object: "an object"
    }
  }
}

extension JSONNode: Decodable {
  /// Takes over what another decoder has parsed.
  init(from decoder: any Decoder) throws {
    line = nil
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      value = .null
    } else if let mapping = try? container.decode([String: JSONNode].self) {
      value = .object(
        mapping.sorted { $0.key < $1.key }.map { Member(key: $0.key, line: nil, node: $0.value) })
    } else if let list = try? container.decode([JSONNode].self) {
      value = .list(list)
    } else if let flag = try? container.decode(Bool.self) {
      value = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      value = .number(number, "\(number)")
    } else {
      value = .text(try container.decode(String.self))
    }
  }
}

extension JSONNode {
  /// Parses a text. Source: RFC 8259; a key that stands twice in one object is refused.
  ///
  /// - Throws: `PromptError` where it is no JSON, in UTF-8.
  init(_ text: some Sequence<UInt8>, path: String) throws(PromptError) {
    do throws(JSONFlaw) {
      var parser = JSONParser(text)
      self = try parser.document()
    } catch {
      switch error {
      case .noJSON(let words): throw PromptError(place: path, problem: "expected JSON: \(words)")
      case .repeatedKey(_, let line): throw PromptError(place: "\(path):\(line)", problem: error.words)
      }
    }
  }
}

/// What is wrong with a text as JSON.
package enum JSONFlaw: Error {
  /// It is none: where and how it isn't.
  case noJSON(String)
  /// A key stands twice in one object, the second time in a line.
  case repeatedKey(String, line: Int)

  /// What is wrong, in words that may follow others.
  package var words: String {
    switch self {
    case .noJSON(let words): words
    case .repeatedKey(let key, _): "`\(key)` stands twice in one object"
    }
  }
}

/// Whether a text is JSON in UTF-8 in which no key stands twice in one object.
package enum JSONForm {
  /// Throws where it isn't, with line and column.
  package static func check(_ text: some Sequence<UInt8>, path: String) throws(PromptError) {
    _ = try JSONNode(text, path: path)
  }

  /// What is wrong with it; nil where nothing is.
  package static func flaw(in text: some Sequence<UInt8>) -> JSONFlaw? {
    do throws(JSONFlaw) {
      var parser = JSONParser(text)
      _ = try parser.document()
      return nil
    } catch { return error }
  }
}

/// Goes through the bytes of a JSON text once.
private struct JSONParser {
  private let bytes: [UInt8]
  private var place = 0
  private var line = 1
  private var lineStart = 0
  /// How deep values may lie in each other.
  private static let deepest = 64

  init(_ text: some Sequence<UInt8>) { bytes = Array(text) }

  mutating func document() throws(JSONFlaw) -> JSONNode {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .noJSON("the text should be UTF-8")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    let node = try value(depth: 0)
    skipBlanks()
    guard place == bytes.count else { throw expected("the end") }
    return node
  }

  private func expected(_ what: String) -> JSONFlaw {
    let found =
      place < bytes.count
      ? "`\(String(decoding: bytes[place...].prefix(12).prefix { $0 > 0x20 }, as: UTF8.self))`"
      : "the end"
    return .noJSON("expected \(what) in line \(line), column \(place - lineStart + 1), found \(found)")
  }

  private mutating func skipBlanks() {
    while place < bytes.count {
      switch bytes[place] {
      case 0x0A: (line, lineStart) = (line + 1, place + 1)
      case 0x20, 0x09, 0x0D: break
      default: return
      }
      place += 1
    }
  }

  /// Goes past a character, if it comes next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONFlaw) -> JSONNode {
    guard depth < Self.deepest else { throw expected("at most \(Self.deepest) values inside each other") }
    skipBlanks()
    let start = line
    if take("{") { return JSONNode(value: .object(try members(depth: depth)), line: start) }
    if take("[") { return JSONNode(value: .list(try elements(depth: depth)), line: start) }
    if take("\"") { return JSONNode(value: .text(try text()), line: start) }
    if take(word: "null") { return JSONNode(value: .null, line: start) }
    if take(word: "true") { return JSONNode(value: .flag(true), line: start) }
    if take(word: "false") { return JSONNode(value: .flag(false), line: start) }
    return JSONNode(value: try number(), line: start)
  }

  /// Goes past a word, if it comes next.
  private mutating func take(word: StaticString) -> Bool {
    let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes[place...].starts(with: word) else { return false }
    place += word.count
    return true
  }

  private mutating func elements(depth: Int) throws(JSONFlaw) -> [JSONNode] {
    if take("]") { return [] }
    var elements: [JSONNode] = []
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw expected("`,` or `]`") }
    return elements
  }

  private mutating func members(depth: Int) throws(JSONFlaw) -> [JSONNode.Member] {
    if take("}") { return [] }
    var members: [JSONNode.Member] = []
    var keys: Set<String> = []
    repeat {
      guard take("\"") else { throw expected("a key in quotes") }
      let start = line
      let key = try text()
      guard take(":") else { throw expected("`:`") }
      guard keys.insert(key).inserted else { throw .repeatedKey(key, line: start) }
      members.append(JSONNode.Member(key: key, line: start, node: try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw expected("`,` or `}`") }
    return members
  }

  private mutating func number() throws(JSONFlaw) -> JSONNode.Value {
    let text = bytes[place...].prefix {
      switch $0 {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    let number = Self.isNumber(text) ? String(decoding: text, as: UTF8.self) : ""
    guard let value = Double(number), value.isFinite else { throw expected("a value") }
    place += text.count
    return .number(value, number)
  }

  /// Whether a text is a number by JSON's grammar: sign, digits without a leading zero, fraction, exponent.
  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func take(_ one: Unicode.Scalar, or other: Unicode.Scalar) -> Bool {
      let first = rest.first
      guard first == UInt8(ascii: one) || first == UInt8(ascii: other) else { return false }
      rest = rest.dropFirst()
      return true
    }
    func digits() -> Int {
      let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    _ = take("-", or: "-")
    let leadsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    guard whole == 1 || whole > 1 && !leadsWithZero else { return false }
    if take(".", or: "."), digits() == 0 { return false }
    if take("e", or: "E") {
      _ = take("+", or: "-")
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// The rest of a text whose first quote is behind.
  private mutating func text() throws(JSONFlaw) -> String {
    var units: [UInt8] = []
    while place < bytes.count, bytes[place] >= 0x20 {
      let byte = bytes[place]
      if byte == UInt8(ascii: "\"") {
        place += 1
        return String(decoding: units, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\") {
        units += String(try escaped()).utf8
      } else {
        units.append(byte)
        place += 1
      }
    }
    throw expected("the end of a text, `\"`")
  }

  private mutating func escaped() throws(JSONFlaw) -> Unicode.Scalar {
    let simple: [UInt8: Unicode.Scalar] = [
      0x22: "\"", 0x5C: "\\", 0x2F: "/", 0x62: "\u{8}", 0x66: "\u{C}", 0x6E: "\n", 0x72: "\r", 0x74: "\t",
    ]
    guard place + 1 < bytes.count else { throw expected("an escaped character") }
    if let scalar = simple[bytes[place + 1]] {
      place += 2
      return scalar
    }
    let first = try unit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // A character beyond the first plane is written as two halves.
    guard UTF16.isLeadSurrogate(UInt16(first)) else { throw expected("the first half of a character") }
    let second = try unit()
    guard UTF16.isTrailSurrogate(UInt16(second)),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw expected("the second half of a character") }
    return scalar
  }

  /// A 16-bit unit written as `\uXXXX`.
  private mutating func unit() throws(JSONFlaw) -> UInt32 {
    let digits = bytes[place...].dropFirst(2).prefix(4)
    // A number may have a sign where digits may not.
    guard bytes[place...].starts(with: "\\u".utf8), digits.count == 4,
      digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw expected("an escaped character such as \\u00e4") }
    place += 6
    return unit
  }
}
