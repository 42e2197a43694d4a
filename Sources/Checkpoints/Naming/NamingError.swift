/// Why tensors can't be found, or can't be called as asked.
public enum NamingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing in the file goes by that key.
  case noCandidate(key: String, available: [String])
  /// Two tensors of the file would have the same name.
  case clash(name: String, first: String, second: String)
  /// Tensors that the naming has no name for.
  case noCounterpart(names: [String], naming: Naming)
  /// Two tensors that are the same one by definition, and hold different numbers.
  case unequalCopies(String, String)
  /// Tensors that one tensor is made of, and that don't fit together.
  case unjoinable(name: String, found: String)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .noCandidate(let key, let available):
      "expected one of the keys \(Self.list(available)), found '\(key)'"
    case .clash(let name, let first, let second):
      "expected one tensor to become '\(name)', found '\(first)' and '\(second)'"
    case .noCounterpart(let names, let naming):
      "expected tensors that \(naming.rawValue) naming has a name for, found \(Self.list(names))"
    case .unequalCopies(let first, let second):
      "expected '\(first)' and '\(second)' to be equal, bit for bit; they are not"
    case .unjoinable(let name, let found): "expected '\(name)' in rows of equal type and length, found \(found)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
      + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }
}
