/// Reads one mapping of a configuration strictly: every key must be asked for, or `finish` names it.
final class ConfigurationReader {
  let origin: String
  private let values: [String: ConfigurationTree]
  private let path: String
  private var unread: [String: Int]

  /// Keys of the official layout that say how Python builds the object, not what it computes; `requireClass` looks at
  /// the first.
  private static let ignored: Set<String> = [target, "compile_image_encoder", "weights_path"]
  /// Which class Hydra calls.
  private static let target = "_target_"

  private init(_ entries: [ConfigurationTree.Entry], path: String, origin: String) {
    values = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    self.path = path
    self.origin = origin
    unread = [:]
    for entry in entries where !Self.ignored.contains(entry.key) { unread[entry.key] = entry.line }
  }

  /// Reads a tree whose root is a mapping.
  convenience init(_ root: ConfigurationTree, origin: String) throws(ConfigurationError) {
    guard let mapping = root.mapping else {
      throw .notYAML(origin: origin, reason: "found no mapping at its root")
    }
    self.init(mapping, path: "", origin: origin)
  }

  func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The mapping under `key`.
  func child(_ key: String) throws(ConfigurationError) -> ConfigurationReader {
    guard let child = try childIfPresent(key) else {
      throw .missingKey(origin: origin, key: name(key), expected: "a mapping")
    }
    return child
  }

  /// The mapping under `key`, nil when absent or null.
  func childIfPresent(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
    guard let node = take(key) else { return nil }
    guard let mapping = node.mapping else { throw wrong(key, "a mapping", node) }
    return ConfigurationReader(mapping, path: name(key), origin: origin)
  }

  /// What a number of channels, pixels or tokens may be: far beyond any model, and so small that products of a
  /// few don't overflow.
  static let counts = 0...1 << 20
  /// The same where zero makes no sense.
  static let positives = 1...counts.upperBound
  /// How many layers or blocks there may be in a row.
  static let layers = 0...256

  func int(
    _ key: String, in range: ClosedRange<Int> = counts, default fallback: Int? = nil
  ) throws(ConfigurationError) -> Int {
    try value(key, "a whole number \(Self.words(range))", fallback) {
      $0.whole.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func float(_ key: String, default fallback: Float? = nil) throws(ConfigurationError) -> Float {
    try value(key, "a finite number", fallback) { node in
      node.number.map { Float($0) }.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  func bool(_ key: String, default fallback: Bool? = nil) throws(ConfigurationError) -> Bool {
    try value(key, "true or false", fallback) { $0.truth }
  }

  func string(_ key: String, default fallback: String? = nil) throws(ConfigurationError) -> String {
    try value(key, "a word", fallback) { $0.text }
  }

  func ints(
    _ key: String, in range: ClosedRange<Int> = counts, default fallback: [Int]? = nil
  ) throws(ConfigurationError) -> [Int] {
    try value(key, "a list of whole numbers \(Self.words(range))", fallback) { node in
      guard let items = node.list else { return nil }
      let numbers = items.compactMap(\.whole).filter(range.contains)
      return numbers.count == items.count ? numbers : nil
    }
  }

  /// The list under `key`, nil when absent or null.
  func intsIfPresent(_ key: String) throws(ConfigurationError) -> [Int]? {
    guard let node = values[key], !node.isNull else {
      unread[key] = nil
      return nil
    }
    return try ints(key)
  }

  /// Two numbers of one kind, vertical first, which may be written as one.
  func pair(_ key: String, default fallback: [Int]) throws(ConfigurationError) -> [Int] {
    try value(key, "a whole number or two \(Self.words(Self.counts))", fallback) { node in
      let items = node.list.map { $0.map(\.whole) } ?? [node.whole, node.whole]
      let numbers = items.compactMap { $0 }.filter(Self.counts.contains)
      return items.count == 2 && numbers.count == 2 ? numbers : nil
    }
  }

  /// The side of a square, which may be written twice.
  func side(_ key: String, default fallback: Int) throws(ConfigurationError) -> Int {
    let sides = try pair(key, default: [fallback, fallback])
    guard sides[0] == sides[1] else {
      throw .wrongValue(origin: origin, key: name(key), expected: "two equal sides", found: "\(sides)")
    }
    return sides[0]
  }

  /// Refuses any other value than that one.
  ///
  /// - Parameter fallback: the value of an absent key; nil for the required one.
  func require(_ key: String, _ number: Int, default fallback: Int? = nil) throws(ConfigurationError) {
    _ = try int(key, in: number...number, default: fallback == nil || fallback == number ? number : nil)
  }

  /// Refuses any other value than that one; an absent key has it.
  func require(_ key: String, _ number: Float) throws(ConfigurationError) {
    let found = try float(key, default: number)
    guard found == number else {
      throw .wrongValue(origin: origin, key: name(key), expected: "\(number)", found: "`\(found)`")
    }
  }

  /// Refuses any other value than that one; an absent key has it.
  func require(_ key: String, _ word: String) throws(ConfigurationError) {
    let found = try string(key, default: word)
    guard found == word else {
      throw .wrongValue(origin: origin, key: name(key), expected: word, found: "`\(found)`")
    }
  }

  /// Refuses any other pair than twice that number; an absent key has it.
  func require(_ key: String, pair number: Int) throws(ConfigurationError) {
    let found = try pair(key, default: [number, number])
    guard found == [number, number] else {
      throw .wrongValue(
        origin: origin, key: name(key), expected: "\([number, number])", found: "\(found)")
    }
  }

  /// Refuses a mapping that Hydra would make something else of than one of those classes, named without their package,
  /// which forks rename.
  ///
  /// - Throws: `ConfigurationError.wrongValue`.
  func requireClass(_ classes: String...) throws(ConfigurationError) {
    guard let node = values[Self.target], !node.isNull else { return }
    let found = node.text.map { $0.split(separator: ".").dropFirst().joined(separator: ".") }
    guard let found, classes.contains(found) else {
      throw wrong(Self.target, classes.map { "sam2.\($0)" }.joined(separator: " or "), node)
    }
  }

  /// Refuses keys that nobody asked for.
  func finish() throws(ConfigurationError) {
    if let (key, line) = unread.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      throw .unknownKey(origin: origin, key: name(key), line: line)
    }
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    "from \(range.lowerBound) to \(range.upperBound)"
  }

  private func take(_ key: String) -> ConfigurationTree? {
    unread[key] = nil
    guard let node = values[key], !node.isNull else { return nil }
    return node
  }

  private func value<Value>(
    _ key: String, _ expected: String, _ fallback: Value?, _ read: (ConfigurationTree) -> Value?
  ) throws(ConfigurationError) -> Value {
    guard let node = take(key) else {
      if let fallback { return fallback }
      throw .missingKey(origin: origin, key: name(key), expected: expected)
    }
    guard let value = read(node) else { throw wrong(key, expected, node) }
    return value
  }

  private func wrong(_ key: String, _ expected: String, _ node: ConfigurationTree) -> ConfigurationError {
    let found = node.text.map { "`\($0)`" } ?? (node.list == nil ? "a mapping" : "a list")
    return .wrongValue(origin: origin, key: name(key), expected: expected, found: found)
  }
}

/// What can be wrong with a model configuration, with the file, the place and what was expected.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The text is no YAML (or JSON).
  case notYAML(origin: String, reason: String)
  /// A required key is absent.
  case missingKey(origin: String, key: String, expected: String)
  /// A key that SAM 2's official code doesn't know; line 0 where it didn't stand in a file.
  case unknownKey(origin: String, key: String, line: Int)
  /// A key holds the wrong kind of value.
  case wrongValue(origin: String, key: String, expected: String, found: String)
  /// Two parts of the configuration contradict each other.
  case inconsistent(origin: String, reason: String)

  /// One sentence naming the file, the key and what was expected.
  public var description: String {
    switch self {
    case .notYAML(let origin, let reason): "\(origin): expected a YAML configuration: \(reason)"
    case .missingKey(let origin, let key, let expected):
      "\(origin): expected `\(key)` (\(expected)), found nothing"
    case .unknownKey(let origin, let key, let line):
      "\(origin)\(line > 0 ? ":\(line)" : ""): `\(key)` is no option of SAM 2 that sam2kit knows"
    case .wrongValue(let origin, let key, let expected, let found):
      "\(origin): `\(key)` should be \(expected), found \(found)"
    case .inconsistent(let origin, let reason): "\(origin): \(reason)"
    }
  }
}
