import Foundation

/// A map as its JSON is written. Keys that it doesn't know are refused: they are mostly known ones, misspelt.
struct WrittenMap: Decodable {
  struct Rule: Decodable {
    let from: String
    /// Nil where it is `null`: the array is left out.
    let to: String?
    let layout: String?
    let dtype: String?
    let reshape: Bool?
    let optional: Bool?
    let scale: OneOrMany<Double>?
    let zeroPoint: OneOrMany<Double>?
    let axis: Double?

    private enum CodingKeys: String, CodingKey, CaseIterable {
      case from, to, layout, dtype, reshape, optional, scale
      case zeroPoint = "zero_point"
      case axis
    }

    init(from decoder: any Decoder) throws {
      try AnyKey.check(decoder, known: CodingKeys.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: CodingKeys.self)
      from = try values.decode(String.self, forKey: .from)
      guard values.contains(.to) else {
        throw DecodingError.keyNotFound(
          CodingKeys.to, .init(codingPath: decoder.codingPath, debugDescription: ""))
      }
      to = try values.decodeIfPresent(String.self, forKey: .to)
      layout = try values.decodeIfPresent(String.self, forKey: .layout)
      dtype = try values.decodeIfPresent(String.self, forKey: .dtype)
      reshape = try values.decodeIfPresent(Bool.self, forKey: .reshape)
      optional = try values.decodeIfPresent(Bool.self, forKey: .optional)
      scale = try values.decodeIfPresent(OneOrMany<Double>.self, forKey: .scale)
      zeroPoint = try values.decodeIfPresent(OneOrMany<Double>.self, forKey: .zeroPoint)
      axis = try values.decodeIfPresent(Double.self, forKey: .axis)
    }
  }

  /// A number, or a list of them.
  enum OneOrMany<Number: Decodable & Sendable>: Decodable, Sendable {
    case one(Number)
    case many([Number])

    init(from decoder: any Decoder) throws {
      if var list = try? decoder.unkeyedContainer() {
        var numbers: [Number] = []
        while !list.isAtEnd { numbers.append(try list.decode(Number.self)) }
        self = .many(numbers)
      } else {
        self = .one(try decoder.singleValueContainer().decode(Number.self))
      }
    }

    /// All of them.
    var values: [Number] {
      switch self {
      case .one(let number): [number]
      case .many(let numbers): numbers
      }
    }
  }

  let taps: [String]?
  let layout: String?
  let precision: String?
  let rules: [Rule]?

  private enum CodingKeys: String, CodingKey, CaseIterable { case taps, layout, precision, rules }

  init(from decoder: any Decoder) throws {
    try AnyKey.check(decoder, known: CodingKeys.allCases.map(\.rawValue))
    let values = try decoder.container(keyedBy: CodingKeys.self)
    taps = try values.decodeIfPresent([String].self, forKey: .taps)
    layout = try values.decodeIfPresent(String.self, forKey: .layout)
    precision = try values.decodeIfPresent(String.self, forKey: .precision)
    rules = try values.decodeIfPresent([Rule].self, forKey: .rules)
  }

  /// An error of the decoder in words that name the place.
  static func account(of error: any Error, path: String) -> DumpError {
    func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
      let steps = (context.codingPath + (key.map { [$0] } ?? [])).map { step in
        step.intValue.map { "[\($0)]" } ?? ".\(step.stringValue)"
      }
      let text = steps.joined()
      return text.isEmpty ? "the map" : text.hasPrefix(".") ? String(text.dropFirst()) : text
    }
    switch error {
    case DecodingError.typeMismatch(let type, let context):
      return .badMap(path: path, place: place(context), expected: words(type), found: "something else")
    case DecodingError.valueNotFound(let type, let context):
      return .badMap(path: path, place: place(context), expected: words(type), found: "null")
    case DecodingError.keyNotFound(let key, let context):
      return .badMap(
        path: path, place: place(context, key), expected: "a value, if only null to leave arrays out",
        found: "nothing")
    case UnknownKey.found(let key, let known, let steps):
      let context = DecodingError.Context(codingPath: steps, debugDescription: "")
      return .badMap(
        path: path, place: place(context), expected: "the keys \(known.joined(separator: ", "))",
        found: "'\(key)'")
    default: return .badMap(path: path, place: "the map", expected: "JSON", found: "another text")
    }
  }

  private static func words(_ type: Any.Type) -> String {
    switch "\(type)" {
    case "String": "a text"
    case "Bool": "true or false"
    case "Int": "a whole number"
    case "Double": "a number"
    case let name where name.hasPrefix("Array"): "a list"
    default: "an object"
    }
  }
}

/// Keys that are not known beforehand.
private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }

  static func check(_ decoder: any Decoder, known: [String]) throws {
    let found = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
    if let key = found.first(where: { !known.contains($0) }) {
      throw UnknownKey.found(key, known: known, at: decoder.codingPath)
    }
  }
}

/// A key that means nothing.
private enum UnknownKey: Error {
  case found(String, known: [String], at: [any CodingKey])
}
