/// The order in which taps are listed: calls by sequence, inputs before output, members by number or name,
/// predictions last.
enum TapOrder {
  /// Sorts taps of flattened names; those without a sequence are predictions.
  static func sorted<Item>(_ items: [Item], name: (Item) -> String, sequence: (Item) -> Int?) -> [Item] {
    let keyed = items.map { item in
      let steps = name(item).split(separator: "/").map(String.init)
      // The module and the call are the same wherever the sequence is.
      let position = sequence(item)
      return (item: item, position: position ?? .max, steps: steps.dropFirst(position == nil ? 0 : 2))
    }
    return keyed.sorted { first, second in
      first.position == second.position
        ? first.steps.lexicographicallyPrecedes(second.steps, by: isBefore) : first.position < second.position
    }.map(\.item)
  }

  /// Positions by number, keys by their bytes.
  static func isBefore(_ first: String, _ second: String) -> Bool {
    if let first = Int(first), let second = Int(second) { return first < second }
    return first.utf8.lexicographicallyPrecedes(second.utf8)
  }
}
