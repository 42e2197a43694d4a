public import Foundation

extension TolerancePolicy {
  /// The preset of that name, or the policy in the JSON file of that path.
  ///
  /// - Throws: `PolicyError`.
  public init(named name: String) throws {
    if let preset = Self.presets[name] {
      self = preset
      return
    }
    guard let json = FileManager.default.contents(atPath: name) else {
      throw PolicyError.unknown(name: name, presets: Self.presets.keys.sorted())
    }
    try self.init(json: json, file: name)
  }

  /// Reads a policy; `file` is what errors call it.
  ///
  /// - Throws: `PolicyError.malformed`.
  public init(json: Data, file: String) throws {
    do {
      self = try ReportCoding.decode(json)
    } catch let error as DecodingError {
      throw PolicyError.malformed(file: file, place: error.account.place, problem: error.account.problem)
    }
  }

  /// The policy as JSON, for people to edit.
  ///
  /// - Throws: `EncodingError`.
  public func json() throws -> Data { try ReportCoding.encode(self) }
}

/// Any key of a JSON object, so that those that mean nothing can be refused.
struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ text: String) { stringValue = text }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { return nil }
}

extension KeyedDecodingContainer<AnyKey> {
  /// Throws at a key that is none of these: a bound with a slip in its name must not be ignored.
  func refuseKeys(except known: [String]) throws {
    guard let key = allKeys.map(\.stringValue).sorted().first(where: { !known.contains($0) }) else { return }
    throw DecodingError.dataCorrupted(
      .init(
        codingPath: codingPath,
        debugDescription: "found the key \(key.inSnakeCase), expected some of "
          + known.map(\.inSnakeCase).joined(separator: ", ")))
  }

  func value<Value: Decodable>(_ name: String) throws -> Value { try decode(Value.self, forKey: AnyKey(name)) }

  func optional<Value: Decodable>(_ name: String) throws -> Value? {
    try decodeIfPresent(Value.self, forKey: AnyKey(name))
  }
}

extension Tolerance: Codable {
  static let keys = Bound.allCases.map(\.rawValue) + ["zero", "nonFinite"]

  /// Reads bounds by name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    try container.refuseKeys(except: Self.keys)
    try self.init(container)
  }

  init(_ container: KeyedDecodingContainer<AnyKey>) throws {
    self.init(zero: try container.optional("zero"), nonFinite: try container.optional("nonFinite"))
    for bound in Bound.allCases {
      guard let limit: Double = try container.optional(bound.rawValue) else { continue }
      guard bound.range.contains(limit) else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: container.codingPath + [AnyKey(bound.rawValue.inSnakeCase)],
            debugDescription: "found \(limit), expected \(bound.range)"))
      }
      limits[bound] = limit
    }
  }

  /// Writes bounds by name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    try encode(to: &container)
  }

  func encode(to container: inout KeyedEncodingContainer<AnyKey>) throws {
    for (bound, limit) in limits { try container.encode(limit, forKey: AnyKey(bound.rawValue)) }
    try container.encodeIfPresent(zero, forKey: AnyKey("zero"))
    try container.encodeIfPresent(nonFinite, forKey: AnyKey("nonFinite"))
  }
}

extension ToleranceRule: Codable {
  /// Reads a pattern with bounds beside it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    try container.refuseKeys(except: ["taps", "precisions", "reason"] + Tolerance.keys)
    self.init(
      taps: try container.value("taps"), precisions: try container.optional("precisions") ?? [],
      reason: try container.optional("reason"), try Tolerance(container))
  }

  /// Writes a pattern with bounds beside it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    try container.encode(taps, forKey: AnyKey("taps"))
    if !precisions.isEmpty { try container.encode(precisions, forKey: AnyKey("precisions")) }
    try container.encodeIfPresent(reason, forKey: AnyKey("reason"))
    try tolerance.encode(to: &container)
  }
}

extension TolerancePolicy: Codable {
  static let format = "sam2kit.tolerance_policy"
  static let formatVersion = 1
  private static let keys = ["format", "formatVersion", "name", "notes", "extends", "defaults", "rules"]

  /// Reads a policy; one that extends a preset gets its defaults and, before its own, its rules.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    try container.refuseKeys(except: Self.keys)
    try container.expect("format", Self.format)
    try container.expect("formatVersion", Self.formatVersion)
    self.init(
      name: try container.value("name"), defaults: try container.optional("defaults") ?? Tolerance(),
      rules: try container.optional("rules") ?? [], notes: try container.optional("notes"))
    if let base: String = try container.optional("extends") {
      guard let preset = Self.presets[base] else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: container.codingPath + [AnyKey("extends")],
            debugDescription:
              "found \(base), expected one of \(Self.presets.keys.sorted().joined(separator: ", "))"))
      }
      defaults = preset.defaults.overridden(by: defaults)
      rules = preset.rules + rules
    }
    guard !defaults.limits.isEmpty else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: container.codingPath + [AnyKey("defaults")],
          debugDescription: "found no bound, expected at least one, or a preset to extend"))
    }
  }

  /// Writes the policy whole, whatever it extends.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    try container.encode(Self.format, forKey: AnyKey("format"))
    try container.encode(Self.formatVersion, forKey: AnyKey("formatVersion"))
    try container.encode(name, forKey: AnyKey("name"))
    try container.encodeIfPresent(notes, forKey: AnyKey("notes"))
    try container.encode(defaults, forKey: AnyKey("defaults"))
    try container.encode(rules, forKey: AnyKey("rules"))
  }
}

extension KeyedDecodingContainer<AnyKey> {
  /// Throws unless the value is the expected one.
  fileprivate func expect<Value: Decodable & Equatable>(_ name: String, _ expected: Value) throws {
    let found: Value = try value(name)
    guard found == expected else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: codingPath + [AnyKey(name.inSnakeCase)],
          debugDescription: "found \(found), expected \(expected)"))
    }
  }
}

/// What can be wrong with a policy.
public enum PolicyError: Error, Equatable, CustomStringConvertible {
  /// Neither a preset nor a file.
  case unknown(name: String, presets: [String])
  /// A file that is no policy; `place` is where in it, and `problem` what was found and expected.
  case malformed(file: String, place: String, problem: String)
  /// Nothing to propose a policy from.
  case nothingToCalibrate(reason: String)

  /// One sentence naming the thing, what was expected and what was found.
  public var description: String {
    switch self {
    case .unknown(let name, let presets):
      "policy \(name): expected \(presets.joined(separator: ", ")) or a JSON file, found no such file"
    case .malformed(let file, let place, let problem): "\(file): \(place): \(problem)"
    case .nothingToCalibrate(let reason): "no policy can be proposed: \(reason)"
    }
  }
}
