import Files
import Foundation
import Testing
import TestSupport

/// What a terminal would act on, what would end a line, turn the direction of writing or be seen by nobody.
private let odd = "a\u{1B}[2J\nverdict: safe\r\t\u{202E}gnp\u{2066}\u{200B}\u{9B}31m\u{85}\u{2028}b\u{7F}"
private let shown =
  "a\\u{1B}[2J\\nverdict: safe\\r\\t\\u{202E}gnp\\u{2066}\\u{200B}\\u{9B}31m\\u{85}\\u{2028}b\\u{7F}"

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")

/// Whether a text holds nothing that isn't shown, but for the ends of its lines.
private func isPlain(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy { scalar in
    scalar == "\n"
      || ![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
  }
}

/// A safetensors file of one number for each name, and metadata.
private func write(_ names: [String], metadata: [String: String] = [:], to path: String) throws {
  struct Entry: Encodable {
    let dtype = "F32"
    let shape = [1]
    let data_offsets: [Int]
  }
  struct Header: Encodable {
    let names: [String]
    let metadata: [String: String]

    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(_ text: String) { stringValue = text }
      init?(stringValue: String) { self.init(stringValue) }
      init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      if !metadata.isEmpty { try values.encode(metadata, forKey: Key("__metadata__")) }
      for (index, name) in names.enumerated() {
        try values.encode(Entry(data_offsets: [4 * index, 4 * index + 4]), forKey: Key(name))
      }
    }
  }
  let header = try JSONEncoder().encode(Header(names: names, metadata: metadata))
  let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
  try (length + header + Data(count: 4 * names.count)).write(to: URL(fileURLWithPath: path))
}

@Suite struct StrangersNamesTests {
  @Test func tensorsNamesAreWrittenOutInTables() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (one, other) = ("\(folder)/one.safetensors", "\(folder)/other.safetensors")
      try write([odd, "plain"], metadata: [odd: odd], to: one)
      try write(["plain"], to: other)
      for arguments in [["inspect", one], ["inspect", one, "--no-statistics"], ["diff", other, one]] {
        let outcome = try Program.run(arguments)
        #expect(outcome.code == (arguments[0] == "diff" ? 1 : 0), "\(outcome.errors)")
        #expect(isPlain(outcome.output) && isPlain(outcome.errors))
        #expect(outcome.output.contains(shown))
        #expect(!outcome.output.split(separator: "\n").contains { $0.hasPrefix("verdict") })
        #expect(outcome.output.hasSuffix("\n1 added, 1 equal\n") == (arguments[0] == "diff"))
      }
    }
  }

  /// JSON has escapes of its own: what is read of it is the name, and a terminal acts on none of it.
  @Test func jsonKeepsNamesExact() throws {
    struct Report: Decodable {
      struct Tensor: Decodable { let name: String }
      let tensors: [Tensor]
      let metadata: [String: String]
    }
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      let bytes = "\u{EFC2}\u{EF9B}2J"
      try write([odd, bytes], metadata: [odd: "日本 🙂\u{E0041}"], to: path)
      let outcome = try Program.run("inspect", path, "--json")
      #expect(isPlain(outcome.output))
      let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
      #expect(Set(report.tensors.map(\.name)) == [odd, bytes])
      #expect(report.metadata == [odd: "日本 🙂\u{E0041}"])
    }
  }

  @Test func errorsAreOneLineWhateverIsInThem() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (model, long) = ("\(folder)/m.safetensors", "\(folder)/long.safetensors")
      try write([odd], metadata: [:], to: model)
      try write([String(repeating: "long ", count: 9000), String(repeating: "x", count: 40000)], to: long)
      try "{\"objects\": [{\"id\": 1, \"\u{202E}a\\nb\": 1}]}".write(
        toFile: "\(folder)/p.json", atomically: true, encoding: .utf8)
      try "model:\n  \"a\u{202E}b\": 1\n".write(toFile: "\(folder)/c.yaml", atomically: true, encoding: .utf8)
      try "taps: \u{1B}[2J".write(toFile: "\(folder)/map.json", atomically: true, encoding: .utf8)
      let point = ["--image", picture, "--point", "1,1", "--output", "\(folder)/out"]
      let runs = [
        ["convert", model, "\(folder)/o.pt"], ["segment", "--model", model] + point,
        ["convert", long, "\(folder)/o.pt"], ["convert", "\(folder)/\(odd)", "\(folder)/o.pt"],
        ["segment", "--model", micro, "--config", "\(folder)/c.yaml"] + point,
        [
          "segment", "--model", micro, "--config", microYAML, "--image", picture, "--prompts",
          "\(folder)/p.json",
          "--output", "\(folder)/out",
        ],
        ["compare", TestFiles.package("Reference/micro.h5"), model, "--map", "\(folder)/map.json"],
        ["judge", "\(folder)/map.json"], ["judge", "\(folder)/p.json"],
      ]
      for arguments in runs {
        let outcome = try Program.run(arguments)
        #expect(outcome.code == 2, "\(arguments) \(outcome.errors)")
        #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.count(where: \.isNewline) == 1)
        #expect(isPlain(outcome.errors) && outcome.errors.count <= 4001, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
      }
      let usage = try Program.run("segment", "--model", "m", "--point", odd)
      #expect(usage.code == 64 && isPlain(usage.errors) && usage.errors.contains(shown))
    }
  }

  /// A name of 40 kB once took 26 s and 815 MB, and every line of the table was as wide.
  @Test func longNamesLoseTheirMiddle() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/long.safetensors"
      try write(
        (0..<50).map { "t\($0)" } + ["begin" + String(repeating: "é", count: 100_000) + "end"], to: path)
      let outcome = try Program.run("inspect", path)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("beginéé") && outcome.output.contains("éé…éé"))
      #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count < 1000 })
    }
  }
}
