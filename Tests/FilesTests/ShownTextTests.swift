import Testing

@testable import Files

/// Escapes as Swift and Rust write them; which characters those are is Unicode's (UAX 44), not ours.
@Test(arguments: [
  ("", ""), ("plain name 7.pt", "plain name 7.pt"), ("café 日本 🙂", "café 日本 🙂"), ("a\nb\r\tc", "a\\nb\\r\\tc"),
  ("\u{1B}[2J\u{7F}\u{9B}1m", "\\u{1B}[2J\\u{7F}\\u{9B}1m"),
  ("\u{85}\u{2028}\u{2029}", "\\u{85}\\u{2028}\\u{2029}"),
  ("a\u{202E}gnp.exe\u{2066}\u{200F}", "a\\u{202E}gnp.exe\\u{2066}\\u{200F}"),
  ("x\u{200B}\u{200D}\u{FEFF}\u{AD}\u{E0041}y", "x\\u{200B}\\u{200D}\\u{FEFF}\\u{AD}\\u{E0041}y"),
  ("\u{3164}\u{115F}\u{FE0F}", "\\u{3164}\\u{115F}\\u{FE0F}"), ("\0", "\\u{0}"),
  // The bytes C2 9B, of which UTF-8 makes a control character, put in as what stands for bytes of names.
  ("\u{EFC2}\u{EF9B}2J", "\\u{9B}2J"),
])
func whatHasNoShapeIsWrittenOut(text: String, shown: String) {
  #expect(text.shown() == shown)
  #expect(text.shownLine == shown)
  #expect(shown.shown() == shown)
}

@Test func bytesOfNamesStayThemselves() {
  let name = String(fileName: [0x63, 0x61, 0x66, 0xE9])
  #expect(name.shown().fileName == [0x63, 0x61, 0x66, 0xE9])
}

@Test func aLongNameLosesItsMiddle() {
  let name = "begin" + String(repeating: "x", count: 100_000) + "end"
  let shown = name.shownName
  #expect(shown.count == 120 && shown.hasPrefix("beginx") && shown.hasSuffix("xend") && shown.contains("x…x"))
  #expect(String(repeating: "y", count: 120).shownName.count == 120)
  // No escape is cut, however long.
  let escapes = String(repeating: "\u{E0041}", count: 1000).shownName
  #expect(escapes.count <= 120 && escapes.split(separator: "…").allSatisfy { $0.count.isMultiple(of: 9) })
}

@Test func aLineIsShortWhateverIsInIt() {
  let name = String(repeating: "n", count: 5000)
  let line = "m.pt: expected '\(name)' of shape [1], found [2]".shownLine
  #expect(
    line.hasPrefix("m.pt: expected 'nnn") && line.hasSuffix("n' of shape [1], found [2]") && line.count < 500)
  let words = String(repeating: "ab ", count: 100_000).shownLine
  #expect(words.count == 4000 && words.contains("…"))
  let spaced = "  two  spaces and \(String(repeating: "n", count: 400)) "
  #expect(spaced.shownLine == spaced)
  let path = "/" + String(repeating: "folder/", count: 50) + "file.pt"
  #expect("\(path): can't be read".shownLine == "\(path): can't be read")
}
