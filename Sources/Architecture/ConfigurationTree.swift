import Foundation

/// A configuration's text as a tree: what YAML and JSON have in common. `Configurations` reads one out of YAML.
package indirect enum ConfigurationTree {
  case scalar(Scalar)
  case list([ConfigurationTree])
  /// In the order of the text.
  case mapping([Entry])

  /// A word, and what it can be taken for.
  package struct Scalar {
    let text: String
    let isNull: Bool
    let truth: Bool?
    let whole: Int?
    let number: Double?

    /// A scalar of a text, and of every kind that the text's language takes it for.
    package init(
      _ text: String, isNull: Bool = false, truth: Bool? = nil, whole: Int? = nil, number: Double? = nil
    ) {
      self.text = text
      self.isNull = isNull
      self.truth = truth
      self.whole = whole
      self.number = number
    }
  }

  /// A key and its value.
  package struct Entry {
    let key: String
    var value: ConfigurationTree
    /// The line on which the key stands, from 1; 0 where it stands in no text.
    let line: Int

    /// A key of a mapping.
    package init(key: String, value: ConfigurationTree, line: Int = 0) {
      self.key = key
      self.value = value
      self.line = line
    }
  }

  /// The tree with the value at a path of keys replaced or added; what stands in the way becomes a mapping.
  package func setting(_ keys: ArraySlice<String>, to value: ConfigurationTree) -> ConfigurationTree {
    guard let key = keys.first else { return value }
    var entries = mapping ?? []
    if let place = entries.firstIndex(where: { $0.key == key }) {
      entries[place].value = entries[place].value.setting(keys.dropFirst(), to: value)
    } else {
      entries.append(Entry(key: key, value: Self.mapping([]).setting(keys.dropFirst(), to: value)))
    }
    return .mapping(entries)
  }

  var mapping: [Entry]? { if case .mapping(let entries) = self { entries } else { nil } }
  var list: [ConfigurationTree]? { if case .list(let items) = self { items } else { nil } }
  var text: String? { scalar?.text }
  var isNull: Bool { scalar?.isNull ?? false }
  var truth: Bool? { scalar?.truth }
  var whole: Int? { scalar?.whole }
  var number: Double? { scalar?.number }

  private var scalar: Scalar? { if case .scalar(let scalar) = self { scalar } else { nil } }
}

/// From JSON, whose keys have no lines here.
extension ConfigurationTree: Decodable {
  /// What `json` says of a model.
  package init(json text: String, origin: String) throws(ConfigurationError) {
    do { self = try JSONDecoder().decode(Self.self, from: Data(text.utf8)) } catch {
      throw .notYAML(origin: origin, reason: "found no JSON")
    }
  }

  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .scalar(Scalar("null", isNull: true))
    } else if let truth = try? value.decode(Bool.self) {
      self = .scalar(Scalar("\(truth)", truth: truth))
    } else if let whole = try? value.decode(Int.self) {
      self = .scalar(Scalar("\(whole)", whole: whole, number: Double(whole)))
    } else if let number = try? value.decode(Double.self) {
      self = .scalar(Scalar("\(number)", number: number))
    } else if let text = try? value.decode(String.self) {
      self = .scalar(Scalar(text))
    } else if let items = try? value.decode([ConfigurationTree].self) {
      self = .list(items)
    } else {
      let entries = try value.decode([String: ConfigurationTree].self)
      self = .mapping(entries.sorted { $0.key < $1.key }.map { Entry(key: $0.key, value: $0.value) })
    }
  }
}
