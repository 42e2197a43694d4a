/// Names of at most 63 bytes for tensors whose state-dict keys are longer, as 40 of SAM 2's are, up to 79: the
/// tensor's number in the file, `~`, and of the key's end as many whole parts as fit. All keys in full are listed in the
/// metadata, and a reader checks that each stored name follows from them, so that no tensor has two readings.
enum GGUFNames {
  /// The name under which tensor `index` is stored.
  static func stored(_ full: String, at index: Int) -> String {
    guard full.utf8.count > GGUFTypes.nameBytes else { return full }
    let start = "\(index)~"
    var end = full[...]
    while end.utf8.count > GGUFTypes.nameBytes - start.utf8.count { end = end.dropFirst() }
    if let dot = end.firstIndex(of: ".") { end = end[end.index(after: dot)...] }
    return start + end
  }

  /// The full names of stored ones.
  static func full(_ stored: [String], listed: [String]?) throws(GGUFError) -> [String] {
    guard let listed else { return stored }
    guard listed.count == stored.count else {
      throw .fullNameCount(expected: stored.count, found: listed.count)
    }
    for (index, (name, full)) in zip(stored, listed).enumerated() where self.stored(full, at: index) != name {
      throw .fullName(stored: name, full: full)
    }
    return listed
  }
}
