import Files
import Media

/// Finds the frame that a mask's name means: that of the same name, else that of the same number.
struct FramePairing {
  let clip: String
  /// Names of the frames' files, in order.
  let frames: [String]

  /// Which mask belongs to which frame.
  ///
  /// - Throws: `EvaluationError.missingFrame`, `.sameFrame`.
  func frames(of masks: [String]) throws(EvaluationError) -> [Int: String] {
    let stems = frames.map(FilePath.stem)
    let byName = Dictionary(zip(stems, stems.indices)) { first, _ in first }
    let places = stems.enumerated().map { (order: NaturalOrder($1), index: $0) }
    let byNumber = Dictionary(grouping: stems.indices) { Self.lastNumber(stems[$0]) }
    var found: [Int: String] = [:]
    for mask in masks {
      let stem = FilePath.stem(of: mask)
      let order = NaturalOrder(stem)
      let sameNumber = Self.lastNumber(stem).flatMap { byNumber[$0] } ?? []
      guard
        let frame = byName[stem] ?? places.first(where: { $0.order.isSameNumber(as: order) })?.index
          ?? (sameNumber.count == 1 ? sameNumber[0] : nil)
      else { throw .missingFrame(clip: clip, mask: mask) }
      if let other = found[frame] { throw .sameFrame(clip: clip, masks: [other, mask]) }
      found[frame] = mask
    }
    return found
  }

  /// The last digits of a name, without leading zeros.
  private static func lastNumber(_ stem: String) -> String? {
    let end = stem.reversed().drop { !$0.isASCII || !$0.isNumber }
    let digits = String(end.prefix { $0.isASCII && $0.isNumber }.reversed())
    guard !digits.isEmpty else { return nil }
    return String(digits.drop { $0 == "0" })
  }
}
