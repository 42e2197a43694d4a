import Foundation
import Prompts

/// How reports and policies are written: JSON, indented, keys in snake_case and in order. Infinite numbers and NaN, which
/// JSON has no words for, are the strings `"inf"`, `"-inf"` and `"nan"`.
enum ReportCoding {
  static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value)
  }

  static func decode<Value: Decodable>(_ json: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Value.self, from: json)
  }
}

extension String {
  /// `camelCase` as `snake_case`.
  var inSnakeCase: String {
    reduce(into: "") { text, letter in
      if letter.isUppercase { text.append("_") }
      text.append(contentsOf: letter.lowercased())
    }
  }
}

extension DecodingError {
  /// Where in a JSON text it is wrong, and how, without Foundation's words.
  func account(of json: Data) -> (place: String, problem: String) {
    switch JSONForm.flaw(in: json) {
    case .noJSON(let words)?: return ("expected JSON", words)
    case let flaw?: return ("the JSON", flaw.words)
    case nil: break
    }
    let (context, missing): (Context, String?) =
      switch self {
      case .keyNotFound(let key, let context): (context, "there is no \(key.stringValue.inSnakeCase)")
      case .typeMismatch(let type, let context):
        (context, "expected \(Self.words("\(type)")), found another kind of value")
      case .valueNotFound(let type, let context): (context, "expected \(Self.words("\(type)")), found nothing")
      case .dataCorrupted(let context): (context, Self.plain(context))
      @unknown default: (Context(codingPath: [], debugDescription: ""), "the value can't be meant")
      }
    let path = context.codingPath.map { key in
      key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue.inSnakeCase)"
    }.joined()
    let problem = missing ?? context.debugDescription
    return (path.isEmpty ? "the JSON" : String(path.drop { $0 == "." }), problem)
  }

  private static func words(_ type: String) -> String {
    switch type {
    case "String": "a text"
    case "Bool": "true or false"
    case "Int": "a whole number"
    case "Double", "Float": "a number"
    default: type.hasPrefix("Array") ? "a list" : "an object"
    }
  }

  /// Our own words as they are; for what the decoder says of words and numbers that are none of those expected, others.
  private static func plain(_ context: Context) -> String {
    let words = context.debugDescription
    if words.hasPrefix("Cannot initialize") { return "the word is none of those that are known" }
    // To the decoder a text with a number that doesn't fit its type is no JSON; some systems say more beside.
    let isNumber = context.underlyingError != nil || words.hasPrefix("The given data")
    return isNumber ? "a number is out of range, or not a whole one" : words
  }
}

/// An error or a tolerance in words: three digits and an exponent, and a plain zero.
func scientific(_ value: Double) -> String {
  value.isNaN ? "–" : value == 0 ? "0" : String(format: "%.2e", value)
}
