import Testing

@testable import Dumps

@Test(arguments: [
  ("blocks.*.attn", "blocks.3.attn", ["3"]), ("*", "a/b.c", ["a/b.c"]), ("a*b*c", "aXbYbZc", ["X", "YbZ"]),
  ("*_*", "x_y_z", ["x", "y_z"]), ("b?d", "bcd", ["c"]), ("b[a-c]d", "bbd", ["b"]), ("b[!a-c]d", "bxd", ["x"]),
  ("x[]]", "x]", ["]"]), (#"a\*b"#, "a*b", []), ("a*", "a", [""]), ("**", "ab", ["", "ab"]),
  ("exact", "exact", []),
]) func tellsWhatWildcardsStandFor(_ pattern: String, _ name: String, _ captures: [String]) throws {
  #expect(try #require(CapturingGlob(pattern)).captures(in: name) == captures)
}

@Test(arguments: [("a*b", "abc"), ("?", ""), ("b[a-c]", "bd"), ("b[!a-c]", "ba"), (#"a\*b"#, "axb"), ("", "a")])
func doesNotFit(_ pattern: String, _ name: String) throws {
  #expect(try #require(CapturingGlob(pattern)).captures(in: name) == nil)
}

@Test(arguments: ["[ab", "a\\", "[", "[b-a]"]) func isNoPattern(_ pattern: String) {
  #expect(CapturingGlob(pattern) == nil)
}

@Test func manyStarsTakeLittleTime() throws {
  let glob = try #require(CapturingGlob(String(repeating: "*a", count: 200) + "b"))
  #expect(glob.captures(in: String(repeating: "a", count: 2000)) == nil)
}
