// Which layer is computed how: read from JSON, held against the layers that there are.
import Foundation
public import Kernels
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

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads the JSON of a plan.
  public init(from decoder: any Decoder) throws {
    let known = CodingKeys.allCases.map(\.rawValue)
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "expected \(known.joined(separator: ", ")), found \(key.stringValue)"))
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    `default` = try values.decodeIfPresent(Precision.self, forKey: .default) ?? .f32
    rules = try values.decodeIfPresent([Rule].self, forKey: .rules) ?? []
    inputs = try values.decodeIfPresent([String: QuantizedRange].self, forKey: .inputs) ?? [:]
  }

  /// Reads a plan's JSON.
  ///
  /// - Parameter origin: what to call it in an error, usually the file's path.
  /// - Throws: `SAM2Error.malformedPlan`.
  public init(json: String, origin: String) throws(SAM2Error) {
    do {
      self = try JSONDecoder().decode(PrecisionPlan.self, from: Data(json.utf8))
    } catch {
      throw .malformedPlan(origin: origin, reason: Self.reason(error))
    }
  }

  private static func reason(_ error: any Error) -> String {
    let context: DecodingError.Context? =
      switch error as? DecodingError {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
        .dataCorrupted(let context):
        context
      default: nil
      }
    guard let context else { return "\(error)" }
    let place = context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    return (place.isEmpty ? "" : "\(place): ") + context.debugDescription
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

  /// The three names that take the fewest changes to fit a pattern.
  static func nearest(to pattern: String, of names: [String]) -> [String] {
    names.map { (changes: changes(in: $0, toFit: pattern), name: $0) }
      .sorted { ($0.changes, $0.name) < ($1.changes, $1.name) }.prefix(3).map(\.name)
  }

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
