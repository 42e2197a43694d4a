/// A shell pattern that tells what its wildcards stood for: `*` for any text, dots and slashes included, `?` for one
/// character, `[ab]`, `[a-c]` and `[!ab]` for one of several; `\` takes the next character as it is.
///
/// Every wildcard but the last takes as little as it can.
struct CapturingGlob: Equatable, Sendable {
  private enum Token: Equatable {
    case literal(Character)
    case any
    case one
    case set([ClosedRange<Character>], isNegated: Bool)

    var isWildcard: Bool { if case .literal = self { false } else { true } }

    func fits(_ character: Character) -> Bool {
      switch self {
      case .literal(let own): own == character
      case .any: false
      case .one: true
      case .set(let ranges, let isNegated): ranges.contains { $0.contains(character) } != isNegated
      }
    }
  }

  private let tokens: [Token]

  /// How many wildcards it has.
  var captureCount: Int { tokens.count(where: \.isWildcard) }

  /// A pattern, or nil where a bracket stays open or a backslash ends it.
  init?(_ text: String) {
    var tokens: [Token] = []
    var rest = text[...]
    while let character = rest.popFirst() {
      switch character {
      case "*": tokens.append(.any)
      case "?": tokens.append(.one)
      case "\\":
        guard let next = rest.popFirst() else { return nil }
        tokens.append(.literal(next))
      case "[":
        guard let set = Self.set(&rest) else { return nil }
        tokens.append(set)
      default: tokens.append(.literal(character))
      }
    }
    self.tokens = tokens
  }

  /// What stands between brackets; a closing one in the first place stands for itself.
  private static func set(_ rest: inout Substring) -> Token? {
    let isNegated = rest.first == "!" || rest.first == "^"
    if isNegated { rest.removeFirst() }
    var ranges: [ClosedRange<Character>] = []
    while let first = rest.popFirst() {
      if first == "]", !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
      if rest.first == "-", let last = rest.dropFirst().first, last != "]" {
        guard first <= last else { return nil }
        ranges.append(first...last)
        rest.removeFirst(2)
      } else {
        ranges.append(first...first)
      }
    }
    return nil
  }

  /// What the wildcards stand for in a name that fits, or nil.
  func captures(in name: String) -> [String]? {
    let text = Array(name)
    var ranges = [Range<Int>](repeating: 0..<0, count: tokens.count)
    var (position, token) = (0, 0)
    var lastStar: Int?
    while position < text.count || token < tokens.count {
      if token < tokens.count {
        if tokens[token] == .any {
          ranges[token] = position..<position
          lastStar = token
          token += 1
          continue
        }
        if position < text.count, tokens[token].fits(text[position]) {
          ranges[token] = position..<position + 1
          (position, token) = (position + 1, token + 1)
          continue
        }
      }
      // The star before takes one more. Stars before that need no second try: whatever they took less, it can take.
      guard let star = lastStar, ranges[star].upperBound < text.count else { return nil }
      ranges[star] = ranges[star].lowerBound..<ranges[star].upperBound + 1
      (position, token) = (ranges[star].upperBound, star + 1)
    }
    return tokens.indices.filter { tokens[$0].isWildcard }.map { String(text[ranges[$0]]) }
  }
}
