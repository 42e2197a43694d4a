import Yams

/// Where everything stands in a JSON text, which is YAML too: for errors that name the line.
struct JSONOutline {
  /// A step down into the text.
  enum Step: ExpressibleByStringLiteral {
    case key(String)
    case index(Int)

    init(stringLiteral key: String) { self = .key(key) }
  }

  private let path: String
  private let root: Node

  /// Parses a text that is known to be JSON.
  ///
  /// - Throws: `PromptError` where a key stands twice in one object.
  init(_ text: String, path: String) throws {
    self.path = path
    // YAML knows no surrogate pairs, as which JSON may write characters; for telling places any other one will do.
    let text = text.replacing(/(\\u[dD][89a-fA-F][0-9a-fA-F]{2}){2}/, with: "\\uFFFD")
    do {
      root = try Yams.compose(yaml: text) ?? Node("")
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
      let names = keys.map { "`\($0)`" }.joined(separator: ", ")
      throw PromptError(place: "\(path):\(context.mark.line)", problem: "\(names) stands twice in one object")
    } catch { throw PromptError(place: path, problem: "\(error)") }
  }

  /// What may stand at a place.
  enum Kind: String {
    case object = "an object"
    case list = "a list"
    case number = "a number"
    case whole = "a whole number"
    case flag = "true or false"
    case text = "a text"

    /// Whether a value of JSON is of this kind.
    fileprivate func fits(_ node: Node) -> Bool {
      switch node {
      case .mapping: return self == .object
      case .sequence: return self == .list
      case .alias: return false
      case .scalar(let scalar):
        let isText = scalar.style == .doubleQuoted
        switch self {
        case .object, .list: return false
        case .text: return isText
        case .flag: return !isText && ["true", "false"].contains(scalar.string)
        case .number: return !isText && Double(scalar.string) != nil
        case .whole: return !isText && Double(scalar.string).flatMap { Int(exactly: $0) } != nil
        }
      }
    }

    fileprivate static func words(for node: Node) -> String {
      switch node {
      case .mapping: Kind.object.rawValue
      case .sequence: Kind.list.rawValue
      case .scalar(let scalar): scalar.style == .doubleQuoted ? "\"\(scalar.string)\"" : scalar.string
      case .alias: "an alias"
      }
    }
  }

  /// Throws if something is of another kind than should stand there, or an object has a field that isn't known.
  ///
  /// - Parameter kinds: What may stand where, such as `objects[].id`. Nulls are left out, as if they weren't there.
  func check(_ kinds: [String: Kind]) throws { try check(root, [], "", kinds) }

  private func check(_ node: Node, _ steps: [Step], _ place: String, _ kinds: [String: Kind]) throws {
    guard node.null == nil, let kind = kinds[place] else { return }
    guard kind.fits(node) else {
      throw error(at: steps, "expected \(kind.rawValue), found \(Kind.words(for: node))")
    }
    for (index, value) in (node.sequence.map(Array.init) ?? []).enumerated() {
      try check(value, steps + [.index(index)], "\(place)[]", kinds)
    }
    let prefix = place.isEmpty ? "" : "\(place)."
    for (key, value) in node.mapping.map(Array.init) ?? [] {
      let name = key.string ?? ""
      let steps = steps + [.key(name)]
      guard kinds[prefix + name] != nil else {
        let fields = kinds.keys.filter { $0.hasPrefix(prefix) && !$0.isEmpty }.map {
          $0.dropFirst(prefix.count)
        }
        .filter { !$0.contains(".") && !$0.contains("[") }.sorted()
        let there = fields.isEmpty ? "there are none" : "there are \(fields.joined(separator: ", "))"
        throw PromptError(
          place: "\(path):\(key.mark?.line ?? 1)", problem: "\(Self.name(steps)): no such field; \(there)")
      }
      try check(value, steps, prefix + name, kinds)
    }
  }

  /// An error about what stands at a place.
  func error(at steps: [Step], _ problem: String) -> PromptError {
    let name = steps.isEmpty ? "the prompts" : Self.name(steps)
    return PromptError(place: "\(path):\(line(of: steps))", problem: "\(name): \(problem)")
  }

  /// An error about what couldn't be decoded.
  func error(_ error: DecodingError) -> PromptError {
    func steps(_ keys: [any CodingKey]) -> [Step] {
      keys.map { $0.intValue.map(Step.index) ?? .key($0.stringValue) }
    }
    switch error {
    case .keyNotFound(let key, let context):
      let name = Self.name(steps(context.codingPath + [key]))
      return PromptError(
        place: "\(path):\(line(of: steps(context.codingPath)))", problem: "expected `\(name)`, found nothing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return self.error(at: steps(context.codingPath), context.debugDescription)
    case .dataCorrupted(let context): return self.error(at: steps(context.codingPath), context.debugDescription)
    @unknown default: return PromptError(place: path, problem: "\(error)")
    }
  }

  private static func name(_ steps: [Step]) -> String {
    steps.reduce("") { name, step in
      switch step {
      case .key(let key): name.isEmpty ? key : "\(name).\(key)"
      case .index(let index): "\(name)[\(index)]"
      }
    }
  }

  /// The line of what stands at a place, or of the nearest thing around it that is there.
  private func line(of steps: [Step]) -> Int {
    var node = root
    for step in steps {
      switch step {
      case .key(let key): if let inner = node.mapping?[key] { node = inner }
      case .index(let index):
        if let sequence = node.sequence, sequence.indices.contains(index) { node = sequence[index] }
      }
    }
    return node.mark?.line ?? 1
  }
}
