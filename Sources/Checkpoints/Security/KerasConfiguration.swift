// A Keras model's configuration, as HDF5 attributes hold it: which of its classes would run code of the file's.
// Source: keras/src/saving/serialization_lib.py and legacy/saving/serialization.py; keras/src/layers/core/lambda_layer.py.

import Foundation

/// What of a Keras configuration is code, or names code beyond Keras.
enum KerasConfiguration {
  private indirect enum Tree: Decodable {
    case mapping([String: Tree])
    case list([Tree])
    case text(String)
    case other

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let mapping = try? container.decode([String: Tree].self) {
        self = .mapping(mapping)
      } else if let list = try? container.decode([Tree].self) {
        self = .list(list)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .other
      }
    }
  }

  /// Modules that a Keras model is made of anyway.
  private static let packages: Set<Substring> = [
    "keras", "tf_keras", "tensorflow", "builtins", "keras_nlp", "keras_cv", "keras_hub",
  ]

  /// Findings in a text, a clause each; none where it is no such configuration.
  static func findings(in text: String) -> [String] {
    guard text.contains("class_name") else { return [] }
    guard let tree = try? JSONDecoder().decode(Tree.self, from: Data(text.utf8)) else {
      return text.contains("Lambda") || text.contains("__lambda__")
        ? ["a Keras configuration that can't be read and speaks of a Lambda, which is code"] : []
    }
    var findings: [String] = []
    collect(tree, depth: 0, into: &findings)
    return findings
  }

  private static func collect(_ tree: Tree, depth: Int, into findings: inout [String]) {
    guard depth < 64 else { return findings.append("a Keras configuration nested deeper than 64") }
    switch tree {
    case .list(let items): for item in items { collect(item, depth: depth + 1, into: &findings) }
    case .mapping(let fields):
      if case .text(let name)? = fields["class_name"] {
        let shown = name.prefix(80)
        if name == "Lambda" || name == "__lambda__" || name.hasSuffix(">Lambda") {
          findings.append("a Keras class '\(shown)', whose Python code Keras would run")
        }
        if case .text(let module)? = fields["module"], let package = module.split(separator: ".").first,
          !packages.contains(package)
        {
          findings.append(
            "a Keras class '\(shown)' of the module '\(module.prefix(80))', which Keras would import")
        }
      }
      for key in fields.keys.sorted() {
        if let field = fields[key] { collect(field, depth: depth + 1, into: &findings) }
      }
    case .text, .other: break
    }
  }
}
