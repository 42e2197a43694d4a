import Foundation
import Tensors
import Testing

@testable import Dumps

private func problem(_ json: String) -> String {
  do {
    _ = try DumpFixtures.map(json)
    return "none"
  } catch { return "\(error)" }
}

@Test func readsAMap() throws {
  let map = try DumpFixtures.map(
    #"""
    {"taps": ["image_encoder*"], "layout": "NHWC", "precision": "bf16", "rules": [
      {"from": "b*_?", "to": "blocks.{1}/{2}/output", "reshape": true, "dtype": "bfloat16", "layout": "NCHW"},
      {"from": "debug", "to": null, "optional": true}]}
    """#)
  #expect(map.taps == ["image_encoder*"] && map.precision == "bf16" && map.rules.count == 2)
  let found = try #require(try map.rule(for: "b12_0", in: "dump"))
  #expect(found.rule.to?.name(for: "b12_0", captures: found.captures) == "blocks.12/0/output")
  #expect(found.rule.reshapes && found.rule.type == .bfloat16)
  #expect(try map.rule(for: "other", in: "dump") == nil)
}

@Test(arguments: [
  ("[]", "map.json: the map: expected an object"), ("{", "map.json: the map: expected JSON, found "),
  ("{\n  \"rules\": [,]}", "line 2, column 13"),
  (
    #"{"rules": [{"from": "a", "to": "b", "scale": 1, "axis": 1.5}]}"#,
    "rules[0].axis: expected a whole number, found 1.5"
  ),
  (#"{"rule": []}"#, "map.json: the map: expected the keys taps, layout, precision, rules, found 'rule'"),
  (#"{"rules": [{"from": "a", "to": "b", "lay": 1}]}"#, "rules[0]: expected the keys from, to, layout"),
  (#"{"rules": [{"from": "a"}]}"#, "rules[0].to: expected a value, if only null"),
  (#"{"rules": [{"from": 3, "to": "b"}]}"#, "rules[0].from: expected a text"),
  (#"{"rules": [{"from": "[a", "to": "b"}]}"#, "rules[0].from: expected a pattern, found '[a'"),
  (#"{"rules": [{"from": "a*", "to": "b{2}"}]}"#, "rules[0].to: expected a tap's name with {0} to {1}"),
  (#"{"rules": [{"from": "a", "to": "b", "layout": "NHW"}]}"#, "rules[0].layout: expected a layout"),
  (#"{"rules": [{"from": "a", "to": "b", "dtype": "float"}]}"#, "rules[0].dtype: expected a type"),
  (
    #"{"rules": [{"from": "a", "to": "b"}, {"from": "a", "to": "c"}]}"#, "rules: expected one rule 'a', found 2"
  ),
  (#"{"layout": "XY"}"#, "layout: expected a layout"),
]) func refusesMaps(_ json: String, _ expected: String) {
  #expect(problem(json).contains(expected), "\(problem(json))")
}

@Test func aNameGoesBeforePatternsAndTwoPatternsAreAmbiguous() throws {
  let map = try DumpFixtures.map(
    #"{"rules": [{"from": "a*", "to": "x"}, {"from": "*b", "to": "y"}, {"from": "ab", "to": "z"}]}"#)
  #expect(try map.rule(for: "ab", in: "dump")?.rule.from == "ab")
  #expect(throws: DumpError.ambiguous(path: "dump", name: "acb", rules: ["a*", "*b"])) {
    try map.rule(for: "acb", in: "dump")
  }
}
