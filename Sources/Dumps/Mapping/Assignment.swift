/// Which array of a dump is which tap.
struct Assignment {
  /// The arrays that are kept: their positions in the dump, their names as taps, and the rules that say so.
  let members: [(index: Int, tap: String, rule: NameMap.Rule?)]

  /// Finds every array's tap.
  ///
  /// - Throws: `DumpError` for two rules, two arrays for one tap, rules that fit nothing or lead nowhere, and where no
  ///   array is a tap at all.
  init(_ arrays: [DumpedArray], path: String, map: NameMap?, taps: [String]) throws(DumpError) {
    var members: [(index: Int, tap: String, rule: NameMap.Rule?)] = []
    var owners: [String: String] = [:]
    var used: Set<String> = []
    let known = Set(taps)
    for (index, array) in arrays.enumerated() {
      let found = try map?.rule(for: array.name, in: path)
      var tap = array.name
      if let found {
        used.insert(found.rule.from)
        guard let template = found.rule.to else { continue }
        tap = template.name(for: array.name, captures: found.captures)
        guard known.contains(tap) else {
          throw .unknownTap(path: path, name: array.name, tap: tap, nearest: Self.nearest(to: tap, among: taps))
        }
      }
      if let owner = owners.updateValue(array.name, forKey: tap) {
        throw .collision(path: path, tap: tap, names: [owner, array.name])
      }
      members.append((index, tap, found?.rule))
    }
    if let idle = map?.rules.first(where: { !$0.isOptional && !used.contains($0.from) }) {
      throw .unmatchedRule(path: path, rule: idle.from, names: arrays.map(\.name))
    }
    guard members.contains(where: { known.contains($0.tap) }) else {
      throw .nothingInCommon(path: path, names: arrays.map(\.name))
    }
    self.members = members
  }

  /// The taps that share the longest beginning and end with a name.
  private static func nearest(to name: String, among taps: [String]) -> [String] {
    func likeness(_ tap: String) -> Int {
      let head = zip(name, tap).prefix { $0 == $1 }.count
      let tail = zip(name.reversed(), tap.reversed()).prefix { $0 == $1 }.count
      return min(head + tail, tap.count)
    }
    let best = taps.map { (likeness: likeness($0), tap: $0) }.filter { $0.likeness >= 4 }
      .sorted { $0.likeness == $1.likeness ? $0.tap < $1.tap : $0.likeness > $1.likeness }
    return best.prefix(3).map(\.tap)
  }
}
