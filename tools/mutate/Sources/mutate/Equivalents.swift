import Foundation

/// Slips that change nothing that anybody could see, each with a line that says why: `tools/mutate/equivalent.json`.
struct Equivalents {
  private struct Entry: Codable {
    let file: String
    /// The line of the source that it stands in, without the space around it.
    let code: String
    let before: String
    let after: String
    let why: String
  }

  private struct Key: Hashable {
    let file, code, before, after: String
  }

  private let package: String
  private let keys: Set<Key>

  init(package: String) throws {
    self.package = package
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(package)/tools/mutate/equivalent.json"))
    let entries = try JSONDecoder().decode([Entry].self, from: data)
    keys = Set(entries.map { Key(file: $0.file, code: $0.code, before: $0.before, after: $0.after) })
  }

  /// Those of some slips that change something.
  func removed(from slips: [Slip]) -> [Slip] {
    var sources: [String: [String]] = [:]
    return slips.filter { slip in
      let lines = sources[slip.file] ?? ((try? String(contentsOfFile: "\(package)/\(slip.file)", encoding: .utf8)) ?? "")
        .components(separatedBy: "\n")
      sources[slip.file] = lines
      guard lines.indices.contains(slip.line - 1) else { return true }
      let code = lines[slip.line - 1].trimmingCharacters(in: .whitespaces)
      return !keys.contains(Key(file: slip.file, code: code, before: slip.before, after: slip.after))
    }
  }
}
