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
