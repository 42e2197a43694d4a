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
    do {
      root = try Yams.compose(yaml: text) ?? Node("")
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
      let names = keys.map { "`\($0)`" }.joined(separator: ", ")
      throw PromptError(place: "\(path):\(context.mark.line)", problem: "\(names) stands twice in one object")
    } catch { throw PromptError(place: path, problem: "\(error)") }
  }

  /// Throws if an object has a field that isn't known. `known` lists fields by where the object stands, such as
  /// `objects[]`; objects elsewhere aren't looked at.
  func checkFields(_ known: [String: Set<String>]) throws { try checkFields(root, [], "", known) }

  private func checkFields(
    _ node: Node, _ steps: [Step], _ place: String, _ known: [String: Set<String>]
  ) throws {
    switch node {
    case .mapping(let mapping):
      for (key, value) in mapping {
        let name = key.string ?? ""
        let steps = steps + [.key(name)]
        if let fields = known[place], !fields.contains(name) {
          let there = fields.isEmpty ? "there are none" : "there are \(fields.sorted().joined(separator: ", "))"
          throw PromptError(
            place: "\(path):\(key.mark?.line ?? 0)",
            problem: "\(Self.name(steps)): no such field; \(there)")
        }
        try checkFields(value, steps, place.isEmpty ? name : "\(place).\(name)", known)
      }
    case .sequence(let sequence):
      for (index, value) in sequence.enumerated() {
        try checkFields(value, steps + [.index(index)], "\(place)[]", known)
      }
    case .scalar, .alias: break
    }
  }

  /// An error about what stands at a place.
  func error(at steps: [Step], _ problem: String) -> PromptError {
    PromptError(place: "\(path):\(line(of: steps))", problem: "\(Self.name(steps)): \(problem)")
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
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let place = steps(context.codingPath)
      guard !place.isEmpty else {
        return PromptError(place: "\(path):1", problem: "expected an object with `objects` in it")
      }
      return self.error(at: place, "should be \(type): \(context.debugDescription)")
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
