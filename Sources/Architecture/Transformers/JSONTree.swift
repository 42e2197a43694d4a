import Foundation

/// A JSON text to be written, with whole numbers and others told apart as Python's `json` does: transformers refuses
/// `20` where it expects `20.0`.
indirect enum JSONTree {
  case integer(Int)
  case real(Float)
  case double(Double)
  case bool(Bool)
  case string(String)
  case list([JSONTree])
  case object([String: JSONTree])

  static func integers(_ numbers: [Int]) -> JSONTree { .list(numbers.map { .integer($0) }) }

  /// The text, keys sorted, two spaces for every level.
  var text: String { text(indentation: "") + "\n" }

  private func text(indentation: String) -> String {
    let inner = indentation + "  "
    switch self {
    case .integer(let number): return "\(number)"
    case .real(let number): return "\(number)"
    case .double(let number): return "\(number)"
    case .bool(let truth): return "\(truth)"
    case .string(let text):
      let encoded = try? JSONEncoder().encode(text)
      return encoded.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    case .list(let items):
      let lines = items.map { inner + $0.text(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    case .object(let items):
      let lines = items.sorted { $0.key < $1.key }.map { key, value in
        "\(inner)\"\(key)\": " + value.text(indentation: inner)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }
}
