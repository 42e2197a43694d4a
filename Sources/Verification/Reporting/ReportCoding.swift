import Foundation

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
  /// Where in the JSON it is wrong, and how.
  var account: (place: String, problem: String) {
    let (context, missing): (Context, String?) =
      switch self {
      case .keyNotFound(let key, let context): (context, "there is no \(key.stringValue.inSnakeCase)")
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        (context, nil)
      @unknown default: (Context(codingPath: [], debugDescription: "\(self)"), nil)
      }
    let path = context.codingPath.map { key in
      key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue.inSnakeCase)"
    }.joined()
    let problem = missing ?? context.debugDescription
    return (path.isEmpty ? "the JSON" : String(path.drop { $0 == "." }), problem)
  }
}

/// An error or a tolerance in words: three digits and an exponent, and a plain zero.
func scientific(_ value: Double) -> String {
  value.isNaN ? "–" : value == 0 ? "0" : String(format: "%.2e", value)
}
