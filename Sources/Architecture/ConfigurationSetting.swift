import Yams

/// A key of a configuration and the value it is to have, written `key=value` as Hydra has it.
public struct ConfigurationSetting: Hashable, Sendable {
  /// The key under `model:`, with or without that, dotted where it is nested:
  /// `sam_mask_decoder_extra_args.dynamic_multimask_via_stability`.
  public let key: String
  /// The value as YAML.
  public let value: String

  /// Reads `key=value`; nil without a key or an equals sign.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    key = String(text[..<equals])
    value = String(text[text.index(after: equals)...])
  }

  /// The way to the value, in a text that doesn't name `model:`.
  fileprivate var keys: [String] {
    let keys = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    return keys.count > 1 && keys[0] == "model" ? Array(keys.dropFirst()) : keys
  }
}

extension ModelConfiguration {
  /// This configuration with some keys changed; reads strictly, as a YAML with these values would be.
  ///
  /// - Parameters:
  ///   - settings: what to change, in order.
  ///   - origin: what to call the settings in an error.
  /// - Throws: `ConfigurationError`.
  public func changed(by settings: [ConfigurationSetting], origin: String) throws(ConfigurationError)
    -> ModelConfiguration
  {
    guard !settings.isEmpty else { return self }
    let text: String
    do {
      guard var root = try compose(yaml: json) else { return self }
      for setting in settings {
        guard let value = try compose(yaml: setting.value) else {
          throw ConfigurationError.wrongValue(
            origin: origin, key: setting.key, expected: "a value", found: "nothing")
        }
        root = Self.setting(root, setting.keys[...], value)
      }
      text = try serialize(node: root)
    } catch let error as ConfigurationError { throw error } catch {
      throw .notYAML(
        origin: origin, reason: "\(error)".split(separator: "\n").first.map(String.init) ?? "\(error)")
    }
    do { return try ModelConfiguration(yaml: text, origin: origin) } catch .unknownKey(_, let key, _) {
      // The line is one of a text that nobody has seen.
      throw .unknownKey(origin: origin, key: key, line: 0)
    }
  }

  /// A mapping with the value at a path of keys replaced or added.
  private static func setting(_ node: Node, _ keys: ArraySlice<String>, _ value: Node) -> Node {
    guard let key = keys.first else { return value }
    var mapping = node.mapping ?? Node.Mapping([])
    mapping[Node(key)] = setting(mapping[Node(key)] ?? Node.mapping(Node.Mapping([])), keys.dropFirst(), value)
    return .mapping(mapping)
  }
}
