import Prompts
import Testing

private func read(_ json: String, of subject: PromptScript.Subject = .picture) throws -> PromptScript {
  try PromptScript(json: json.utf8, path: "p.json", of: subject)
}

@Suite struct PromptReadingTests {
  @Test func textsMayBeEscaped() throws {
    let json = #"{"objects": [{"id": 1, "mask": "\u00E4\ud83D\ude00\"\\\/\n.png"}]}"#
    #expect(try read(json).objects.first?.mask == "ä😀\"\\/\n.png")
  }

  @Test func numbersMayBeWrittenInAnyForm() throws {
    let box = try read(#"{"objects": [{"id": 1e0, "box": [-0, 1.5E1, 2e+2, 0.25]}]}"#).objects.first?.box
    #expect(box == Box(x0: 0, y0: 15, x1: 200, y1: 0.25))
  }

  @Test func objectsAndFramesAreNumberedUpToTheLargestOf32Bits() throws {
    let json = #"{"objects": [{"id": 2147483647, "frame": 2147483647, "mask": "m"}]}"#
    #expect(
      try read(json, of: .video).objects == [
        ObjectPrompt(object: 2_147_483_647, frame: 2_147_483_647, mask: "m")
      ])
    #expect(throws: PromptError.self) {
      try read(#"{"objects": [{"id": 1, "frame": 2147483648, "mask": "m"}]}"#, of: .video)
    }
  }

  @Test(arguments: [
    ("", "line 1, column 1, found the end"), ("{\"objects\": [1,\n 02]}", "line 2, column 2, found `02]}`"),
    (#"{"objects": [1]} x"#, "expected the end in line 1, column 18, found `x`"),
    (#"{"objects": [1, ]}"#, "expected a value in line 1"), (#"{"a": "x"#, "the end of a text"),
    (#"{"a": "\ud83dx"}"#, "an escaped character"), (#"{"a": "\ud83d\u0041"}"#, "second half of a character"),
    (#"{"a": "\ude00"}"#, "first half of a character"), (#"{a: 1}"#, "a key in quotes"),
    (#"{"a": "\u+0e4"}"#, "an escaped character such as"),
    ("{\"a\": \"\t\"}", "the end of a text"), (#"{"a": 1e999}"#, "a value"), (#"{"a": +1}"#, "a value"),
    (String(repeating: "[", count: 100_000), "at most 64 values inside each other"),
    (String(repeating: #"{"a": "#, count: 65), "at most 64 values inside each other"),
  ])
  func whatIsNoJSONIsRefusedWithItsPlace(json: String, message: String) {
    let error = #expect(throws: PromptError.self) { try read(json) }
    #expect(error?.description.hasPrefix("p.json: expected JSON: ") == true)
    #expect(error?.description.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test(arguments: [
    "1.", ".5", "1.e1", "1e", "1e+", "1E-", "-", "--1", "00", "-01", "1.2.3", "1-2", "1e5.0", "1e2e3", "0x1",
  ])
  func whatIsNoNumberByJSONsGrammarIsRefused(number: String) {
    let error = #expect(throws: PromptError.self) {
      try read(#"{"objects": [{"id": 1, "box": [\#(number), 1, 2, 3]}]}"#)
    }
    let place = number == "0x1" ? "`,` or `]` in line 1, column 33" : "a value in line 1, column 32"
    #expect(error?.description.contains("expected \(place)") == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test(arguments: ["00g4", "00", "-0e4", "٠٠٠٠"]) func whatIsNoUnitOf16BitsIsRefused(digits: String) {
    let error = #expect(throws: PromptError.self) { try read(#"{"a": "\u\#(digits)"}"#) }
    #expect(error?.description.contains("an escaped character such as") == true)
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    #expect(throws: PromptError.self) {
      try PromptScript(json: [0x22, 0xFF, 0x22], path: "p.json", of: .picture)
    }
  }

  @Test(arguments: [
    (#"{"objects": [{"id": 1, "keep": true}]}"#, "objects[0].keep: no such field; there are box, id, labels"),
    ("{\"objects\": [{\"id\": 1,\n\"box\": null}]}", "p.json:1: objects[0]: expected `points`, `box`"),
    (#"{"objects": [{"id": 1.5}]}"#, "objects[0].id: expected a whole number, found 1.5"),
    (#"{"objects": [{"id": 1e300}]}"#, "objects[0].id: expected a whole number, found 1e300"),
    (#"{"objects": [{"id": 1, "box": [1, 2, 3, null]}]}"#, "objects[0].box[3]: expected a number, found null"),
    (#"{"steps": []}"#, "steps: no such field; there are multimask, objects"),
    (#"{"multimask": 1, "objects": [{"id": 1, "mask": "m"}]}"#, "multimask: expected true or false, found 1"),
    (#"{"objects": [{"id": 1, "mask": 3}]}"#, "objects[0].mask: expected a text, found 3"),
    (#"{"objects": [{"id": -1, "mask": "m"}]}"#, "objects[0].id: should be at least 1, found -1"),
    (#"{"objects": [{"id": 2147483648, "mask": "m"}]}"#, "objects[0].id: should be at most 2147483647"),
    (#"{"objects": [{"id": 9223372036854774784, "mask": "m"}]}"#, "[0].id: should be at most 2147483647"),
    ("{}", "expected `objects`, found nothing"),
  ])
  func whatAFileMayNotSayIsNamed(json: String, message: String) {
    let error = #expect(throws: PromptError.self) { try read(json) }
    #expect(error?.description.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }
}
