extension FirstDivergence {
  /// What there is to say, a sentence each: the tap, its worst element, the origin, its inputs, what carries the error,
  /// and what removes it.
  public var sentences: [String] {
    var sentences = [
      "First divergence: \(tap), relative error \(scientific(relativeError))"
        + (worst.map { "; worst at \($0.index): expected \($0.reference), found \($0.candidate)" } ?? "")
    ]
    sentences.append(origin.sentence)
    if !inputs.isEmpty {
      let off = inputs.filter { !$0.agrees }
      let largest = inputs.map(\.relativeError).max() ?? 0
      sentences.append(
        off.isEmpty
          ? "Its inputs agree (relative error \(scientific(largest)) at most)."
          : "Of its inputs "
            + off.map { "\($0.tap) is off by \(scientific($0.relativeError))" }
            .joined(separator: ", ") + ".")
    }
    if introducing.count > 1 {
      let shown = introducing.prefix(Self.mostModules)
      let rest = introducing.count - shown.count
      sentences.append(
        "Off by themselves: \(shown.joined(separator: ", "))\(rest > 0 ? " and \(rest) more" : "").")
    }
    if carried > 0 { sentences.append("\(carried) taps are off as well but only carry it.") }
    sentences += hints.map {
      "Hint: \($0.claim). Undone, the error of \(scientific($0.errorBefore)) is "
        + "\(scientific($0.errorAfter))."
    }
    return sentences
  }

  private static let mostModules = 8
}

extension FirstDivergence.Origin {
  fileprivate var sentence: String {
    let how =
      relativeError.map {
        isIsolated
          ? " (off by \(scientific($0)) when fed what was recorded)"
          : " (by what agrees; isolation was not tried there)"
      } ?? ""
    switch kind {
    case .module: return "Introduced by \(module ?? "an unnamed module")\(how)."
    case .glue:
      let place = inside.map { " inside \($0)" } ?? ""
      return "Introduced before \(module ?? "a module") is called\(place): its input \(tap ?? "") is off\(how)."
    case .accumulation:
      return "No module is off by itself: errors that each pass add up. A wider tolerance may be due."
    case .unknown: return "What was recorded doesn't tell what introduces it."
    }
  }
}
