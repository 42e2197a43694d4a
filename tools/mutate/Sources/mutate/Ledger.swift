import Foundation

/// What became of each slip, a line of JSON each, so that an interrupted run goes on where it stopped.
struct Ledger {
  /// A slip's end.
  struct Entry: Codable {
    let slip: Slip
    /// Whether a test failed.
    let isNoticed: Bool
    /// The test that failed first; nil where none did.
    let by: String?
    /// How many tests reach the place.
    let reaching: Int
  }

  let path: String
  private(set) var entries: [Entry] = []

  init(path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else { return }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    entries = lines.compactMap { try? JSONDecoder().decode(Entry.self, from: Data($0.utf8)) }
  }

  func knows(_ slip: Slip) -> Bool { entries.contains { $0.slip.id == slip.id } }

  func hasUnnoticed(_ slip: Slip) -> Bool { entries.contains { $0.slip.id == slip.id && !$0.isNoticed } }

  /// Leaves the lines of what was noticed.
  mutating func forgetUnnoticed() throws {
    let noticed = entries.filter(\.isNoticed)
    entries = []
    try Data().write(to: URL(fileURLWithPath: path))
    for entry in noticed { try add(entry) }
  }

  mutating func add(_ entry: Entry) throws {
    entries.append(entry)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = try encoder.encode(entry) + Data("\n".utf8)
    if !FileManager.default.fileExists(atPath: path) {
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw Failure("\(path): can't be written")
      }
    }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: line)
    try file.close()
  }

  /// How many were noticed, by target, of those that change anything, and every one that wasn't.
  ///
  /// - Parameter open: those that change something and weren't noticed.
  func report(open: Set<Slip>) -> String {
    var lines = ["| target | slips | change nothing | noticed | of the others |", "|---|---|---|---|---|"]
    func row(_ name: String, _ entries: [Entry]) -> String {
      let noticed = entries.count { $0.isNoticed }
      let changing = noticed + entries.count { open.contains($0.slip) }
      return "| \(name) | \(entries.count) | \(entries.count - changing) | \(noticed) | "
        + "\(100 * noticed / max(1, changing)) % |"
    }
    for (target, entries) in Dictionary(grouping: entries, by: \.slip.target).sorted(by: { $0.key < $1.key }) {
      lines.append(row(target, entries))
    }
    lines.append(row("all", entries))
    for entry in entries where open.contains(entry.slip) {
      let slip = entry.slip
      let reach = entry.reaching == 0 ? "no test gets there" : "\(entry.reaching) tests get there"
      lines.append(
        "\(slip.file):\(slip.line):\(slip.column): \(slip.kind.rawValue): `\(slip.before)` → `\(slip.after)`; \(reach)"
      )
    }
    return lines.joined(separator: "\n")
  }
}
