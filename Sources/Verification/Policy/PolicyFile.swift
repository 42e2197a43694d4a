internal import Files
public import Foundation

/// The policies that have a name, and that a policy's file may extend.
public struct PolicyPresets: Sendable {
  private let policies: [String: TolerancePolicy]

  /// Policies, known by their names.
  public init(_ policies: [TolerancePolicy]) {
    self.policies = Dictionary(policies.map { ($0.name, $0) }) { first, _ in first }
  }

  /// The names, in order.
  public var names: [String] { policies.keys.sorted() }

  /// The policy of that name.
  public subscript(name: String) -> TolerancePolicy? { policies[name] }
}

extension TolerancePolicy {
  /// The preset of that name, or the policy in the JSON file of that path.
  ///
  /// - Throws: `PolicyError`, `FileError`.
  public init(named name: String, presets: PolicyPresets) throws {
    if let preset = presets[name] {
      self = preset
      return
    }
    guard FilePath.exists(name) else { throw PolicyError.unknown(name: name, presets: presets.names) }
    try self.init(json: Data(MappedFile.contents(of: name)), file: name, presets: presets)
  }

  /// Reads a policy, which may extend a preset: then it gets its defaults and, before its own, its rules.
  ///
  /// - Parameter file: What errors call it.
  /// - Throws: `PolicyError.malformed`.
  public init(json: Data, file: String, presets: PolicyPresets) throws {
    do {
      let document: PolicyDocument = try ReportCoding.decode(json)
      self = try document.policy(presets)
    } catch let error as DecodingError {
      let account = error.account(of: json)
      throw PolicyError.malformed(file: file, place: account.place, problem: account.problem)
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

/// A policy as a file has it.
private struct PolicyDocument: Decodable {
  static let keys = ["format", "formatVersion", "name", "notes", "extends", "defaults", "rules"]

  /// Every rule is asked about every array.
  private static let mostRules = 4096

  private let own: TolerancePolicy
  /// The preset that it extends.
  private let base: String?

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    try container.refuseKeys(except: Self.keys)
    try container.expect("format", TolerancePolicy.format)
    try container.expect("formatVersion", TolerancePolicy.formatVersion)
    own = TolerancePolicy(
      name: try container.value("name"), defaults: try container.optional("defaults") ?? Tolerance(),
      rules: try container.optional("rules") ?? [], notes: try container.optional("notes"))
    base = try container.optional("extends")
  }

  /// The whole policy.
  func policy(_ presets: PolicyPresets) throws -> TolerancePolicy {
    var policy = own
    if let base {
      guard let preset = presets[base] else {
        throw wrong("extends", "found \(base), expected one of \(presets.names.joined(separator: ", "))")
      }
      policy.defaults = preset.defaults.overridden(by: own.defaults)
      policy.rules = preset.rules + own.rules
    }
    guard own.rules.count <= Self.mostRules else {
      throw wrong("rules", "found \(own.rules.count), expected at most \(Self.mostRules)")
    }
    guard !policy.defaults.limits.isEmpty else {
      throw wrong("defaults", "found no bound, expected at least one, or a preset to extend")
    }
    return policy
  }

  private func wrong(_ key: String, _ problem: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: [AnyKey(key)], debugDescription: problem))
  }
}

extension TolerancePolicy: Codable {
  static let format = "sam2kit.tolerance_policy"
  static let formatVersion = 1

  /// Reads a policy that is written whole.
  public init(from decoder: any Decoder) throws {
    self = try PolicyDocument(from: decoder).policy(PolicyPresets([]))
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
