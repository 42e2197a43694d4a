import Traces

/// What differs between two recordings, for people.
struct TraceDifferenceText {
  private let difference: TraceDifference

  init(_ difference: TraceDifference) { self.difference = difference }

  var text: String {
    var lines = difference.attributes.flatMap { attribute in
      [
        "\(attribute.attribute):", "  first   \(Self.brief(attribute.first))",
        "  second  \(Self.brief(attribute.second))",
      ]
    }
    lines += difference.onlyInFirst.map { "only in the first   \($0)" }
    lines += difference.onlyInSecond.map { "only in the second  \($0)" }
    lines += difference.taps.map { "\($0.name): \($0.account)" }
    let taps = Set(difference.taps.map(\.name)).count
    lines.append(
      difference.isEmpty
        ? "the same: \(difference.equalTaps) taps, to the bit"
        : "\(difference.attributes.count) attributes and \(taps) taps differ, \(difference.equalTaps) taps are the same, "
          + "\(difference.onlyInFirst.count) are only in the first, \(difference.onlyInSecond.count) only in the second"
    )
    return lines.joined(separator: "\n")
  }

  /// The beginning of a text that may be a whole configuration.
  private static func brief(_ text: String) -> String {
    let line = text.replacing("\n", with: " ")
    return line.isEmpty ? "nothing" : line.count > 160 ? "\(line.prefix(160))…" : line
  }
}
