// Names and words out of files are strangers' text. As it is shown it can't move a terminal's cursor, end a line, turn the
// direction of writing, hide in what has no shape, or fill the screen.
// Source: Unicode Standard Annex 44 (General_Category, Default_Ignorable_Code_Point); Unicode Technical Report 36, "Security
// Considerations", 2.5.

extension Unicode.Scalar {
  /// Whether it is shown as itself: control and format characters, ends of lines and whatever else has no shape are not.
  package var isShown: Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: return false
    default: return !properties.isDefaultIgnorableCodePoint
    }
  }

  /// How it is shown: itself, or as Swift and other languages write it.
  fileprivate var shown: String {
    if isShown { return String(self) }
    switch self {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default: return "\\u{\(String(value, radix: 16, uppercase: true))}"
    }
  }
}

extension StringProtocol {
  /// As it may be shown: what has no shape is written out, and of a long text the middle left out.
  ///
  /// - Parameter longest: How many characters it may come to.
  package func shown(atMost longest: Int = .max) -> String {
    if utf8.count <= longest, utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return String(self) }
    // Bytes that stand for themselves could come to characters together.
    let hasBytes = unicodeScalars.contains(where: \.isFileNameByte)
    let text = hasBytes ? String(fileName: String(self).fileName) : String(self)
    var (whole, count) = ("", 0)
    for scalar in text.unicodeScalars {
      let piece = scalar.shown
      count += piece.unicodeScalars.count
      if count > longest { return Self.shortened(text.unicodeScalars, to: longest) }
      whole += piece
    }
    return whole
  }

  /// As a name may be shown, in a table or a sentence.
  package var shownName: String { shown(atMost: 120) }

  /// As words of a sentence may be shown, of which none is long.
  package var shownWords: String {
    if utf8.count <= longestWord { return shown() }
    return split(separator: " ", omittingEmptySubsequences: false).map { $0.shown(atMost: longestWord) }
      .joined(separator: " ")
  }

  /// As one line may be shown: a sentence, however long the names in it are.
  package var shownLine: String { shownWords.shown(atMost: longestLine) }

  /// A beginning and an end; no character that is written out is cut.
  private static func shortened(_ scalars: String.UnicodeScalarView, to longest: Int) -> String {
    func pieces(_ scalars: some Sequence<Unicode.Scalar>, _ room: Int) -> [String] {
      var (pieces, left): ([String], Int) = ([], room)
      for scalar in scalars {
        let piece = scalar.shown
        left -= piece.unicodeScalars.count
        if left < 0 { break }
        pieces.append(piece)
      }
      return pieces
    }
    let room = Swift.max(0, longest - 1)
    let beginning = pieces(scalars, room - room / 3).joined()
    return beginning + "…" + pieces(scalars.reversed(), room / 3).reversed().joined()
  }
}

/// Characters of a word in a sentence, such as a path.
private let longestWord = 400
/// Characters of a line.
private let longestLine = 4000
