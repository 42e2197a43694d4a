// The files that tools/fixtures/make_gguf.py wrote.
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct GGUFFileTests {
  /// Written by the official Python package, gguf 0.19.
  @Test func readsWhatTheOfficialPackageWrites() throws {
    let file = try Fixtures.open("genuine/official.gguf")
    #expect(file.format == .gguf)
    let types: [String: ElementType] = [
      "float16": .float16, "float32": .float32, "float64": .float64, "int8": .int8, "int16": .int16,
      "int32": .int32, "int64": .int64,
    ]
    for (name, type) in types {
      #expect(file[name]?.elementType == type)
      #expect(file[name]?.shape == [2, 3, 2, 2])
      #expect(try file.float32(name).elements == (0..<24).map { Float($0) })
    }
    #expect(file["bfloat16"]?.elementType == .bfloat16)
    #expect(file["bfloat16"]?.shape == [2, 3] && file["row"]?.shape == [3] && file["scalar"]?.shape == [])
    #expect(try file.float32("bfloat16").elements == [0, 1, 2, 3, 4, 5])
    #expect(try file.float32("row").elements == [0, 1, 2])
    #expect(try file.float32("scalar").elements == [2.5])
    #expect(file.entries.count == types.count + 3)
    #expect(
      file.metadata == [
        "general.name": "an é", "n.uint8": "1", "n.int8": "-2", "n.uint16": "3", "n.int16": "-4",
        "n.uint32": "5", "n.int32": "-6", "n.uint64": "7", "n.int64": "-8", "n.float32": "0.5",
        "n.float64": "-0.1", "n.bool": "true",
      ])
  }

  /// What the official package makes of blocks stands beside them.
  @Test func readsBlocksOfTheOfficialPackage() throws {
    let file = try Fixtures.open("genuine/q8_0.gguf")
    #expect(file["w"]?.elementType == .float32 && file["w"]?.shape == [3, 64])
    #expect(file["w"]?.encoding == .init(name: "q8_0", byteCount: 6 * 34))
    #expect(file["worth"]?.encoding == nil)
    #expect(try file.float32("w").elements == file.float32("worth").elements)
    #expect(try file.float32("w").elements.prefix(32).contains { $0 != 0 })
    guard case .grouped(let weight) = try file.quantized("w") else {
      Issue.record("no blocks")
      return
    }
    #expect(weight.form == .eightBits && weight.scales[2] == 0)
    #expect(try file.quantized("worth") == nil)
  }

  /// The official package's bytes of the same numbers.
  @Test func writesBlocksAsTheOfficialPackageDoes() throws {
    let file = try Fixtures.open("genuine/q8_0.gguf")
    guard case .grouped(let weight) = try file.quantized("w") else {
      Issue.record("no blocks")
      return
    }
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.gguf"
      try WholeNumberOutput.write(
        [("b", .plain(Tensor([3], [1, 2, 3]))), ("w", .whole(.grouped(weight)))], metadata: ["note": "n"],
        to: path, as: .gguf)
      let again = try Checkpoint.open(path: path)
      #expect(again.metadata == ["note": "n"])
      #expect(try again.float32("b").elements == [1, 2, 3])
      #expect(try again.float32("w").elements == file.float32("worth").elements)
      let (bytes, theirs) = (try MappedFile.contents(of: path), try MappedFile.contents(of: file.path))
      #expect(again["w"]?.encoding?.byteCount == 204)
      // The blocks come last here and first there.
      let blocks = bytes[(bytes.count - 224)..<(bytes.count - 20)]
      #expect(theirs.firstRange(of: Array(blocks)) != nil)
    }
  }

  @Test(arguments: [
    ("version_1", GGUFError.version(found: 1)), ("version_2", .version(found: 2)),
    ("version_4", .version(found: 4)), ("big_endian", .version(found: 0x0300_0000)),
    ("cut_in_counts", .truncated(field: "the number of keys", offset: 16)),
    ("tensor_count", .count(what: "tensors", declared: 1 << 17, available: 128)),
    ("tensor_limit", .limit(what: "tensors", declared: .max, limit: 1 << 18)),
    ("key_count", .count(what: "keys", declared: 60000, available: 0)),
    ("cut_in_key", .count(what: "keys", declared: 1, available: 6)),
    ("key_length", .stringLength(field: "a key", declared: .max, available: 68)),
    ("value_length", .stringLength(field: "the value of 'a'", declared: 1 << 62, available: 55)),
    ("key_text", .text(field: "a key", offset: 76)), ("key_not_ascii", .key("é")), ("key_empty", .key("")),
    ("key_twice", .duplicateKey("general.architecture")), ("same_word", .duplicateKey("sam2_a")),
    ("value_type", .valueType(key: "a", found: 13)), ("truth", .truth(key: "a", found: 2)),
    ("nested_array", .nestedArray(key: "a")), ("element_type", .valueType(key: "a", found: 99)),
    ("array_length", .count(what: "elements of 'a'", declared: 1 << 61, available: 51)),
    ("no_architecture", .missingKey("general.architecture")),
    ("architecture_type", .keyType(key: "general.architecture", expected: "a string")),
    ("alignment_0", .alignment(found: 0)), ("alignment_4", .alignment(found: 4)),
    ("alignment_48", .alignment(found: 48)),
    ("alignment_type", .keyType(key: "general.alignment", expected: "a uint32")),
  ])
  func refusesBrokenHeaders(_ file: String, _ error: GGUFError) {
    #expect(Fixtures.refusal(of: "hostile/\(file).gguf") == .gguf(path: path(file), error))
  }

  @Test(arguments: [
    ("cut_in_info", GGUFError.truncated(field: "the rank of 'w'", offset: 77)),
    ("name_empty", .nameLength(tensor: "", limit: 64)),
    ("name_long", .nameLength(tensor: String(repeating: "n", count: 65), limit: 64)),
    ("name_text", .text(field: "a tensor's name", offset: 76)), ("name_twice", .duplicateName("w")),
    ("full_name_count", .fullNameCount(expected: 1, found: 0)),
    ("full_name", .fullName(stored: "w", full: "v")),
    ("full_name_type", .keyType(key: "tensors.full_names", expected: "a list of strings")),
    ("full_name_twice", .duplicateName(String(repeating: "n", count: 100))),
    ("rank", .rank(tensor: "w", found: 5, limit: 4)),
    ("rank_huge", .rank(tensor: "w", found: 0xffff_ffff, limit: 4)),
    ("empty_axis", .emptyAxis(tensor: "w", extents: [4, 0])),
    ("overflow", .overflow(tensor: "w", extents: [1 << 40, 1 << 40])),
    ("extent_sign", .overflow(tensor: "w", extents: [1 << 63])),
    ("unknown_type", .unknownType(tensor: "w", found: 99)),
    ("removed_type", .unknownType(tensor: "w", found: 4)),
    ("quantized", .quantized(tensor: "w", type: "Q4_0")),
    ("q8_0_rows", .rows(tensor: "w", extents: [16, 2])),
    ("q8_0_short", .outside(tensor: "w", end: 68, available: 67)),
    ("q8_0_nan", .scale(tensor: "w", block: 0, found: "nan")),
    ("q8_0_infinite", .scale(tensor: "w", block: 0, found: "inf")),
    ("q8_0_negative", .scale(tensor: "w", block: 0, found: "-1.0")),
    ("misaligned", .misaligned(tensor: "w", offset: 4, alignment: 32)),
    ("overlap", .overlap(tensor: "v", expected: 64, found: 32)),
    ("gap", .gap(tensor: "w", expected: 0, found: 32)),
    ("offset_huge", .gap(tensor: "w", expected: 0, found: 1 << 63)),
    ("outside", .outside(tensor: "w", end: 16, available: 12)),
    ("no_data", .outside(tensor: "w", end: 16, available: 0)),
    ("trailing", .trailing(expected: 16, found: 33)), ("padding", .padding(offset: 101)),
    ("padding_between", .padding(offset: 176)),
  ])
  func refusesBrokenTensors(_ file: String, _ error: GGUFError) {
    #expect(Fixtures.refusal(of: "hostile/\(file).gguf") == .gguf(path: path(file), error))
  }

  @Test func namesWhatIsNoGGUF() {
    #expect(
      Fixtures.refusal(of: "hostile/magic.gguf")
        == .unknownFormat(
          path: path("magic"), found: "a file of 144 bytes that begins with 47 47 4d 4c 03 00 00 00"))
  }

  @Test func wordsSayWhatToDo() {
    #expect("\(GGUFError.version(found: 2))".contains("outdated"))
    #expect("\(GGUFError.version(found: 0x0300_0000))".contains("big-endian"))
    #expect("\(GGUFError.quantized(tensor: "w", type: "Q4_0"))".contains("Q4_0, which is quantized"))
  }

  /// Files of any length end in an error of their own, none in a crash.
  @Test func everyTruncationIsRefused() throws {
    let whole = try MappedFile.contents(of: Fixtures.path("genuine/official.gguf"))
    for count in 0..<whole.count {
      whole[..<count].withUnsafeBytes { bytes in
        // The last tensor's padding may be missing.
        #expect(
          (try? GGUFHeader(bytes, limits: ReadingLimits())) == nil || whole[count...].allSatisfy { $0 == 0 })
      }
    }
  }

  /// The count's lowest byte stands where a safetensors header has its brace.
  @Test func aFileOf123TensorsIsNotTakenForSafetensors() throws {
    try TestFiles.withTemporaryFolder { folder in
      let tensors = Dictionary(uniqueKeysWithValues: (0..<123).map { ("w\($0)", Tensor([1], [Float($0)])) })
      try SafetensorsOutput.write(tensors, to: "\(folder)/a.safetensors")
      let source = try Checkpoint.open(path: "\(folder)/a.safetensors")
      try Conversion(source).write(to: "\(folder)/a.gguf", as: .gguf)
      #expect(try Checkpoint.open(path: "\(folder)/a.gguf").format == .gguf)
    }
  }

  @Test func limitsAreKept() {
    var limits = ReadingLimits()
    limits.ggufHeader = 100
    let file = "genuine/official.gguf"
    #expect(
      Fixtures.refusal(of: file, limits: limits) == .gguf(path: Fixtures.path(file), .headerLength(limit: 100)))
    limits = ReadingLimits()
    limits.ggufKeys = 3
    #expect(
      Fixtures.refusal(of: file, limits: limits)
        == .gguf(path: Fixtures.path(file), .limit(what: "keys", declared: 17, limit: 3)))
  }

  private func path(_ file: String) -> String { Fixtures.path("hostile/\(file).gguf") }
}
