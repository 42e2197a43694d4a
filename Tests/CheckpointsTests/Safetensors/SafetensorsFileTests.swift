import Tensors
import Testing

@testable import Checkpoints

@Suite struct SafetensorsFileTests {
  static let refusals: [(String, SafetensorsError)] = [
    ("length_beyond_file", .truncatedHeader(declared: 1 << 20, fileLength: 86)),
    ("length_beyond_cap", .headerLength(declared: .max, limit: 100_000_000)),
    ("not_json", .syntax(expected: "'\"'", found: "'nonsense}'", offset: 1)),
    ("truncated_json", .syntax(expected: "'}'", found: "the end", offset: 19)),
    ("deep", .syntax(expected: "'{'", found: "'[[[[[[[[[[[['", offset: 5)),
    ("trailing_text", .syntax(expected: "the end of the header", found: "'x'", offset: 63)),
    ("duplicate_name", .duplicate("w")),
    ("duplicate_escaped_name", .duplicate("w")),
    ("duplicate_field", .duplicate("w.dtype")),
    ("metadata_number", .syntax(expected: "'\"'", found: "'1}, \"w\": {\"d'", offset: 23)),
    ("missing_shape", .missingField(tensor: "w", field: "shape")),
    (
      "unknown_field",
      .syntax(expected: "dtype, shape or data_offsets before", found: "field 'extra'", offset: 70)
    ),
    ("unknown_type", .elementType(tensor: "w", found: "F4")),
    ("shape_overflow", .overflow(tensor: "w", extents: [1 << 40, 1 << 40])),
    ("negative_shape", .syntax(expected: "a natural number below 2^63", found: "'-4], \"data_o'", offset: 33)),
    ("rank", .rank(tensor: "w", found: 65, limit: 64)),
    ("huge_number", .syntax(expected: "a natural number below 2^63", found: "'118059162071'", offset: 57)),
    ("length_mismatch", .length(tensor: "w", expected: 12, begin: 0, end: 16)),
    ("reversed_offsets", .length(tensor: "w", expected: 16, begin: 16, end: 0)),
    ("hole", .gap(tensor: "w", expected: 0, found: 4)),
    ("overlap", .gap(tensor: "v", expected: 16, found: 8)),
    ("beyond_end", .bufferLength(expected: 16, found: 8)),
    ("trailing_data", .bufferLength(expected: 16, found: 20)),
    ("lone_surrogate", .syntax(expected: "the second half of a surrogate pair", found: "'\":{}}'", offset: 8)),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: SafetensorsError) {
    let name = "hostile/\(file).safetensors"
    #expect(Fixtures.refusal(of: name) == .safetensors(path: Fixtures.path(name), expected))
  }

  @Test func readsWhatTheReferenceWrote() throws {
    let checkpoint = try Fixtures.open("genuine/reference.safetensors")
    #expect(checkpoint.format == .safetensors)
    #expect(checkpoint.shapes == ["a": [4, 6], "b": [3], "empty": [0, 3]])
    #expect(checkpoint.metadata == ["format": "pt", "quote": "a \"b\" é 😀"])
    #expect(checkpoint["a"]?.elementType == .bfloat16)
    #expect(try checkpoint.float32("a").elements == (0..<24).map(Float.init))
    #expect(try checkpoint.float32("b").elements == [0, 1, 2])
  }

  @Test func resolvesEscapes() throws {
    let json = #"{"__metadata__":{"a\u00e9\ud83d\ude00":"\"\\\/\b\f\n\r\t"}}  "#
    let header = try SafetensorsHeader(Array(json.utf8), bufferLength: 0, limits: ReadingLimits())
    #expect(header.metadata == ["aé😀": "\"\\/\u{8}\u{c}\n\r\t"])
  }

  /// Every byte of a header replaced by every other: refused or read, never a trap.
  @Test func survivesEveryOneByteChange() {
    let json = #"{"__metadata__":{"k":"\u00e9"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}} "#
    let genuine = Array(json.utf8)
    var accepted = 0
    for index in genuine.indices {
      for byte in UInt8.min ... .max {
        var changed = genuine
        changed[index] = byte
        if (try? SafetensorsHeader(changed, bufferLength: 16, limits: ReadingLimits())) != nil { accepted += 1 }
      }
    }
    #expect(accepted >= genuine.count && accepted < genuine.count * 128)
  }
}
