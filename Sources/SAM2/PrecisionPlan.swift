// Which layer is computed how: read from JSON, held against the layers that there are.
import Foundation
public import Kernels
import Prompts
import Taps
public import Tensors

/// Patterns of layers' names and the precisions that they are computed in, and the ranges of inputs.
///
/// As JSON: `{"default": "f32", "rules": [{"layers": "image_encoder.trunk.*", "precision": "bf16"}],
/// "inputs": {"image_encoder.trunk.blocks.0.attn.qkv": {"scale": 0.02, "zero_point": 128}}}`; each part may be left out.
public struct PrecisionPlan: Hashable, Sendable, Codable {
  /// The layers that fit a pattern have a precision.
  public struct Rule: Hashable, Sendable, Codable {
    /// A shell pattern of names: `*` stands for any text, dots included, `?` for one character.
    public var layers: String
    /// How they are computed.
    public var precision: Precision

    /// A rule.
    public init(layers: String, precision: Precision) {
      self.layers = layers
      self.precision = precision
    }
  }

  /// How layers are computed that no rule is about.
  public var `default`: Precision
  /// Of several rules that a layer fits, the last one holds.
  public var rules: [Rule]
  /// Ranges of layers' inputs, by the layers' names.
  public var inputs: [String: QuantizedRange]

  /// A plan, Float32 throughout unless told otherwise.
  public init(default: Precision = .f32, rules: [Rule] = [], inputs: [String: QuantizedRange] = [:]) {
    self.default = `default`
    self.rules = rules
    self.inputs = inputs
  }

  private enum CodingKeys: String, CodingKey, CaseIterable { case `default`, rules, inputs }

  /// Reads the JSON of a plan.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    `default` = try values.decodeIfPresent(Precision.self, forKey: .default) ?? .f32
    rules = try values.decodeIfPresent([Rule].self, forKey: .rules) ?? []
    inputs = try values.decodeIfPresent([String: QuantizedRange].self, forKey: .inputs) ?? [:]
  }

  /// Reads a plan's JSON. Fields that mean nothing are refused: one with a slip in its name must not be ignored.
  ///
  /// - Parameter origin: what to call it in an error, usually the file's path.
  /// - Throws: `SAM2Error.malformedPlan`.
  public init(json: String, origin: String) throws(SAM2Error) {
    do throws(PromptError) {
      try JSONForm.check(json.utf8, path: origin)
    } catch { throw .malformedPlan(origin: origin, reason: error.problem) }
    let decoder = JSONDecoder()
    do {
      _ = try decoder.decode(PlanFields.self, from: Data(json.utf8))
      self = try decoder.decode(PrecisionPlan.self, from: Data(json.utf8))
    } catch { throw .malformedPlan(origin: origin, reason: Self.reason(error)) }
  }

  /// What is wrong, without Swift's words.
  private static func reason(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      let place = path.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
      return place.isEmpty ? "" : "\(place): "
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context):
      return place(context.codingPath) + "expected a field \(key.stringValue), found none"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let wanted =
        switch type {
        case is String.Type: "text"
        case is Float.Type, is Double.Type, is Int.Type: "a number"
        default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
        }
      return place(context.codingPath) + "expected \(wanted), found something else"
    case .dataCorrupted(let context): return place(context.codingPath) + context.debugDescription
    default: return "\(error)"
    }
  }

  /// The plan as JSON, keys in order: equal plans give equal text.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Names, numbers and enumerations can't fail to be written; scales are finite.
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// How the layer of that name is computed.
  public func site(_ path: ModulePath) -> Site {
    let rule = rules.last { TapPattern($0.layers).matches(path.name) }
    return Site(path, precision: rule?.precision ?? `default`, input: inputs[path.name])
  }

  /// Throws if a rule fits none of these layers, or a range belongs to none: most likely it is misspelt.
  func check(against sites: [Site]) throws(SAM2Error) {
    let names = sites.map(\.path.name)
    for rule in rules where !names.contains(where: TapPattern(rule.layers).matches) {
      throw .planWithoutLayer(rule.layers, near: Self.nearest(to: rule.layers, of: names))
    }
    for name in inputs.keys.sorted() where !names.contains(name) {
      throw .planWithoutLayer(name, near: Self.nearest(to: name, of: names))
    }
  }

  /// The three names that take the fewest changes to fit a pattern; of a module's name the layers inside it.
  static func nearest(to pattern: String, of names: [String]) -> [String] {
    let inside = names.filter { TapPattern("\(pattern).*").matches($0) }
    guard inside.isEmpty else { return Array(inside.prefix(3)) }
    guard pattern.utf8.count <= longestPattern else { return [] }
    return names.map { (changes: changes(in: $0, toFit: pattern), name: $0) }
      .sorted { ($0.changes, $0.name) < ($1.changes, $1.name) }.prefix(3).map(\.name)
  }

  /// Bytes of a pattern that may be a name with a slip in it.
  private static let longestPattern = 1024

  /// How many characters of a name have to be changed, added or taken away until it fits a pattern.
  private static func changes(in name: String, toFit pattern: String) -> Int {
    let name = Array(name.utf8)
    var row = Array(0...name.count)
    for letter in pattern.utf8 {
      var next = row
      next[0] = letter == UInt8(ascii: "*") ? row[0] : row[0] + 1
      for place in name.indices {
        switch letter {
        case UInt8(ascii: "*"): next[place + 1] = min(row[place + 1], next[place])
        case UInt8(ascii: "?"), name[place]: next[place + 1] = row[place]
        default: next[place + 1] = 1 + min(row[place], row[place + 1], next[place])
        }
      }
      row = next
    }
    return row[name.count]
  }
}

/// The fields of a plan's JSON: decoding refuses others, by name.
private struct PlanFields: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    let intValue: Int?
    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init?(intValue: Int) { (stringValue, self.intValue) = ("\(intValue)", intValue) }
  }

  private struct Rule: Decodable {
    init(from decoder: any Decoder) throws { try PlanFields.require(["layers", "precision"], of: decoder) }
  }

  private struct Range: Decodable {
    init(from decoder: any Decoder) throws {
      try PlanFields.require(QuantizedRange.CodingKeys.allCases.map(\.rawValue), of: decoder)
    }
  }

  init(from decoder: any Decoder) throws {
    try Self.require(["default", "rules", "inputs"], of: decoder)
    let values = try decoder.container(keyedBy: Key.self)
    _ = try values.decodeIfPresent([Rule].self, forKey: Key(stringValue: "rules"))
    _ = try values.decodeIfPresent([String: Range].self, forKey: Key(stringValue: "inputs"))
  }

  private static func require(_ known: [String], of decoder: any Decoder) throws {
    for key in try decoder.container(keyedBy: Key.self).allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "expected the fields \(known.joined(separator: ", ")), found \(key.stringValue)"))
    }
  }
}
