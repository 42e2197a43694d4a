/// Two ways of naming the same tensors, row by row; a name of either side has at most one counterpart.
struct NameTable: Sendable {
  /// Patterns of the left side and theirs on the right.
  private let forward: [String: String]
  private let backward: [String: String]

  /// A table of rows in which no pattern stands twice on one side.
  init(rows: [(String, String)]) {
    forward = Dictionary(uniqueKeysWithValues: rows)
    backward = Dictionary(uniqueKeysWithValues: rows.map { ($1, $0) })
  }

  /// The right name of a left one, nil where no row has it.
  func right(of name: String) -> String? { Self.counterpart(of: name, in: forward) }

  /// The left name of a right one, nil where no row has it.
  func left(of name: String) -> String? { Self.counterpart(of: name, in: backward) }

  /// What follows a module's name in its parameters'.
  private static let leaves: Set<Substring> = ["weight", "bias"]
  /// How many numbers a name may hold; each doubles the patterns that it may follow.
  private static let numbers = 4

  private static func counterpart(of name: String, in table: [String: String]) -> String? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard !parts.contains("#") else { return nil }
    if let found = translated(parts, in: table) { return found }
    guard let leaf = parts.last, leaves.contains(leaf) else { return nil }
    return translated(parts.dropLast(), in: table).map { "\($0).\(leaf)" }
  }

  /// Finds the row, whichever of the name's numbers are `#` in it, and puts these numbers into the other side.
  private static func translated(_ parts: [Substring], in table: [String: String]) -> String? {
    let places = parts.indices.filter { Int(parts[$0]).map { "\($0)" } == String(parts[$0]) }
    guard places.count <= numbers else { return nil }
    for choice in 0..<1 << places.count {
      let open = places.indices.filter { choice >> $0 & 1 == 1 }.map { places[$0] }
      var pattern = parts
      for place in open { pattern[place] = "#" }
      guard let target = table[pattern.joined(separator: ".")] else { continue }
      var rest = open[...]
      return target.split(separator: ".").map { part in
        part == "#" ? rest.popFirst().map { parts[$0] } ?? part : part
      }.joined(separator: ".")
    }
    return nil
  }
}
