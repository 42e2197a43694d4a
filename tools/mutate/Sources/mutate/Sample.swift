/// The same numbers in the same order for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension [Slip] {
  /// So many of them, of all kinds and targets alike as far as they go, no two of which touch each other.
  func sample(_ count: Int, seed: UInt64) -> [Slip] {
    var generator = SeededGenerator(seed: seed)
    var drawers = Dictionary(grouping: self) { "\($0.target) \($0.kind.rawValue)" }.sorted { $0.key < $1.key }
      .map { $0.value.sorted { $0.id < $1.id }.shuffled(using: &generator) }
    var (chosen, taken) = ([Slip](), [String: [Range<Int>]]())
    while chosen.count < count, !drawers.isEmpty {
      drawers.shuffle(using: &generator)
      for index in drawers.indices where chosen.count < count {
        guard let slip = drawers[index].popLast() else { continue }
        guard !taken[slip.file, default: []].contains(where: { $0.overlaps(slip.range) }) else { continue }
        taken[slip.file, default: []].append(slip.range)
        chosen.append(slip)
      }
      drawers.removeAll(where: \.isEmpty)
    }
    return chosen.sorted { ($0.file, $0.offset) < ($1.file, $1.offset) }
  }
}
