// Configurations as files have them: the official YAML and transformers' `config.json`.

public import Architecture
import Yams

extension ModelConfiguration {
  /// Reads the official Hydra layout: a `model:` mapping, or that mapping alone.
  ///
  /// - Parameters:
  ///   - text: YAML, or JSON as `json` writes it.
  ///   - origin: what to call the text in an error, usually a file's path.
  /// - Throws: `ConfigurationError`; keys that aren't known are refused.
  public init(yaml text: String, origin: String) throws(ConfigurationError) {
    try self.init(ConfigurationTree.root(of: text, origin: origin), origin: origin)
  }

  /// Reads transformers' `config.json`.
  ///
  /// Keys that aren't known are left alone, since `save_pretrained` writes dozens that every model has; a known key
  /// with a value that this program can't follow is refused. What is missing is as transformers has it.
  ///
  /// - Parameters:
  ///   - text: the JSON.
  ///   - origin: what to call the text in an error, usually a file's path.
  /// - Throws: `ConfigurationError`.
  public init(transformers text: String, origin: String) throws(ConfigurationError) {
    try self.init(transformers: ConfigurationTree.root(of: text, origin: origin), origin: origin)
  }
}

extension ConfigurationTree {
  /// Bytes of a configuration; official ones have 4 KB.
  private static let longest = 1 << 20

  /// What stands in a text; an empty one has an empty word.
  fileprivate static func root(of text: String, origin: String) throws(ConfigurationError) -> ConfigurationTree
  {
    try ConfigurationTree(yaml: text, origin: origin) ?? .scalar(Scalar(""))
  }

  /// Reads YAML, of which JSON is a part; nil for a text in which nothing stands.
  init?(yaml text: String, origin: String) throws(ConfigurationError) {
    let byteCount = text.utf8.count
    guard !text.utf8.prefix(Self.longest).contains(0), !text.unicodeScalars.prefix(64).contains("\u{FFFD}")
    else {
      throw .notYAML(origin: origin, reason: "found no text")
    }
    guard byteCount <= Self.longest else {
      throw .notYAML(origin: origin, reason: "found \(byteCount) bytes, more than \(Self.longest)")
    }
    // Without an anchor nothing can be repeated: a few lines of anchors and aliases stand for more than can be visited,
    // which the parser does where one is a key.
    guard !text.utf8.contains(UInt8(ascii: "&")) else {
      throw .notYAML(origin: origin, reason: "found an anchor ('&'), which no configuration needs")
    }
    let node: Node?
    do { node = try compose(yaml: text) } catch {
      throw .notYAML(origin: origin, reason: Self.account(of: error))
    }
    guard let node else { return nil }
    self.init(node)
  }

  /// Where a text is no YAML and why, in one line.
  private static func account(of error: any Error) -> String {
    switch error {
    case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      "line \(mark.line), column \(mark.column): \(problem)"
    case YamlError.reader(let problem, let offset, _, _):
      "\(offset.map { "byte \($0): " } ?? "")\(problem)"
    case YamlError.duplicatedKeysInMapping(let duplicates, _):
      "found the key \(duplicates.first ?? "") twice"
    default: "found what can't be read"
    }
  }

  private init(_ node: Node) {
    switch node {
    case .scalar(let scalar):
      self = .scalar(
        Scalar(
          scalar.string, isNull: node.null != nil, truth: node.bool, whole: Self.whole(node, scalar.string),
          number: node.float))
    case .sequence(let items): self = .list(items.map(ConfigurationTree.init))
    case .mapping(let mapping):
      self = .mapping(
        mapping.compactMap { key, value in
          key.string.map {
            Entry(key: $0, value: ConfigurationTree(value), line: (key.mark ?? value.mark)?.line ?? 0)
          }
        })
    // There is none where there are no anchors.
    case .alias: self = .mapping([])
    }
  }

  /// A scalar's whole number. Yams multiplies the parts of one to the base of 60, such as 17:4, until it traps; its other numbers
  /// become infinite.
  private static func whole(_ node: Node, _ text: String) -> Int? {
    guard text.contains(":") else { return node.int }
    return node.float.flatMap { abs($0) < 0x1p53 ? Int(exactly: $0) : nil }
  }
}
