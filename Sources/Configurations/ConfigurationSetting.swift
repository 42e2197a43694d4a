// Single keys of a configuration changed, as `--set key=value` does.

public import Architecture

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
    var root = try ConfigurationTree(json: json, origin: origin)
    for setting in settings {
      guard let value = try ConfigurationTree(yaml: setting.value, origin: origin) else {
        throw .wrongValue(origin: origin, key: setting.key, expected: "a value", found: "nothing")
      }
      root = root.setting(setting.keys[...], to: value)
    }
    do { return try ModelConfiguration(root, origin: origin) } catch .unknownKey(_, let key, _) {
      // A line within one setting's value says nothing.
      throw .unknownKey(origin: origin, key: key, line: 0)
    }
  }
}
