import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct WholeNumberTests {
  private let bytes = QuantizedWeight(shape: [2, 3], values: [-127, 0, 127, 4, -5, 6], scales: [0.5, 2])

  private func write(_ tensors: [String: Tensor], to path: String) throws -> Checkpoint {
    try SafetensorsOutput.write(tensors, to: path)
    return try Checkpoint.open(path: path)
  }

  @Test func bytesStandForWhatTheyAreWorth() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      try WholeNumberOutput.write(
        [("a.weight", .whole(.perChannel(bytes))), ("a.bias", .plain(Tensor([2], [7, 8])))],
        metadata: ["precision_plan": "{}"], to: path, as: .safetensors)
      let file = try Checkpoint.open(path: path)
      #expect(file.shapes == ["a.weight": [2, 3], "a.bias": [2]])
      #expect(file["a.weight"]?.elementType == .float32)
      #expect(file["a.weight"]?.encoding == .init(name: "int8", byteCount: 6 + 8))
      #expect(try file.float32("a.weight").elements == [-63.5, 0, 63.5, 8, -10, 12])
      #expect(file.holdsWholeNumbers && file["a.bias"]?.encoding == nil)
      guard case .perChannel(let weight) = try file.quantized("a.weight") else {
        Issue.record("no whole numbers")
        return
      }
      #expect(weight.values == bytes.values && weight.scales == bytes.scales && weight.shape == [2, 3])
      #expect(try file.quantized("a.bias") == nil)
    }
  }

  /// A file as the format's own package sees it: what is in it, byte by byte.
  @Test func nibblesLieInPairs() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      let values = (0..<64).map { Int8($0 % 15 - 7) }
      let weight = GroupedWeight(.fourBits, shape: [1, 64, 1, 1], values: values, scales: [0.5, 0.25])
      try WholeNumberOutput.write(
        [("a.weight", .whole(.grouped(weight)))], metadata: [:], to: path, as: .safetensors)
      let file = try Checkpoint.open(path: path)
      #expect(file.shapes == ["a.weight": [1, 64, 1, 1]])
      #expect(file["a.weight"]?.encoding == .init(name: "int4", byteCount: 32 + 8))
      #expect(
        try file.float32("a.weight").elements
          == values.enumerated().map { Float($1) * ($0 < 32 ? 0.5 : 0.25) })
      let whole = try MappedFile.contents(of: path)
      // -7, -6 and -5, -4, 8 added, at the end of the file behind the scales.
      #expect(Array(whole[(whole.count - 32)...].prefix(2)) == [0x21, 0x43])
      let json = String(decoding: whole.prefix(whole.count - 40).dropFirst(8), as: UTF8.self)
      #expect(json.contains(#""a.weight":{"dtype":"U8","shape":[1,32,1,1],"#))
      #expect(json.contains(#""a.weight.scale":{"dtype":"F32","shape":[1,2],"#))
    }
  }

  @Test func becomeFloatsInEveryFormat() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      try WholeNumberOutput.write(
        [("a.weight", .whole(.perChannel(bytes)))], metadata: [:], to: path, as: .safetensors)
      let file = try Checkpoint.open(path: path)
      for format in Checkpoint.Format.allCases {
        let output = "\(folder)/f.\(format.rawValue)"
        try Conversion(file).write(to: output, as: format)
        let float = try Checkpoint.open(path: output)
        #expect(float.entries.map(\.name) == ["a.weight"])
        #expect(!float.holdsWholeNumbers && float["a.weight"]?.elementType == .float32)
        #expect(try float.float32("a.weight").elements == [-63.5, 0, 63.5, 8, -10, 12])
        #expect(try CheckpointDifference(file, float).isEmpty)
      }
    }
  }

  /// Zero points may stand there; other whole numbers than weights are none of ours.
  @Test func whatElseMayStandInAFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let file = try write(
        [
          "a.weight": Tensor([2, 3], of: .int8, bytes.values), "a.weight.scale": Tensor([2], [0.5, 2]),
          "a.weight.zero_point": Tensor([2], of: .int8, [0, 0] as [Int8]),
          "table": Tensor([2], of: .int8, [1, 2] as [Int8]), "table.scale": Tensor([1], [3]),
        ], to: "\(folder)/a.safetensors")
      #expect(file.entries.map(\.name).sorted() == ["a.weight", "table", "table.scale"])
      #expect(try file.float32("table").elements == [1, 2])
    }
  }

  static let broken: [([String: Tensor], WholeNumberError)] = {
    let weight = Tensor([2, 3], of: .int8, [1, 2, 3, 4, 5, 6] as [Int8])
    let scale = "a.weight.scale"
    func with(_ scales: Tensor) -> [String: Tensor] { ["a.weight": weight, scale: scales] }
    func with(zeros: Tensor) -> [String: Tensor] {
      ["a.weight": weight, scale: Tensor([2], [1, 1]), "a.weight.zero_point": zeros]
    }
    func pairs(_ shape: Shape, scales: Tensor, _ byte: UInt8 = 0x99) -> [String: Tensor] {
      ["a.weight": Tensor(shape, of: .uint8, [UInt8](repeating: byte, count: shape.count)), scale: scales]
    }
    return [
      (["a.weight": weight], .noScale(weight: "a.weight", expected: [2])),
      (
        pairs([2, 16], scales: Tensor([2, 1], [1, 1])).filter { $0.key == "a.weight" },
        .noScale(weight: "a.weight", expected: [2, 1])
      ),
      ([scale: Tensor([2], [1, 1])], .noWeight(of: scale, found: nil)),
      (
        ["a.weight": Tensor([2, 1], [1, 2]), scale: Tensor([2], [1, 1])],
        .noWeight(of: scale, found: .float32)
      ),
      (with(Tensor([2], [1, -0.5])), .scale(name: scale, place: 1, found: "-0.5")),
      (with(Tensor([2], [0, 1])), .scale(name: scale, place: 0, found: "0.0")),
      (with(Tensor([2], [1, .nan])), .scale(name: scale, place: 1, found: "nan")),
      (with(Tensor([2], [.infinity, 1])), .scale(name: scale, place: 0, found: "inf")),
      (
        with(Tensor([3], [1, 1, 1])),
        .misshaped(name: scale, expected: "float32 [2]", found: "float32 [3]")
      ),
      (
        with(Tensor([2, 1], [1, 1])),
        .misshaped(name: scale, expected: "float32 [2]", found: "float32 [2, 1]")
      ),
      (
        with(Tensor([2], [1, 1]).converted(to: .float16)),
        .misshaped(name: scale, expected: "float32 [2]", found: "float16 [2]")
      ),
      (
        with(zeros: Tensor([2], of: .int8, [0, -3] as [Int8])),
        .zeroPoint(name: "a.weight.zero_point", place: 1, found: -3)
      ),
      (
        with(zeros: Tensor([1], of: .int8, [0] as [Int8])),
        .misshaped(name: "a.weight.zero_point", expected: "int8 [2]", found: "int8 [1]")
      ),
      (
        ["a.weight": Tensor([2, 1], of: .int8, [3, -128] as [Int8]), scale: Tensor([2], [1, 1])],
        .value(weight: "a.weight", place: 1, least: -127, found: -128)
      ),
      (
        ["a.weight": Tensor([2], of: .int8, [3, 4] as [Int8]), scale: Tensor([2], [1, 1])],
        .form(weight: "a.weight", expected: "at least two axes", found: [2])
      ),
      (
        pairs([2, 24], scales: Tensor([2, 1], [1, 1])),
        .form(weight: "a.weight", expected: "[out, a multiple of 16], or that and [1, 1]", found: [2, 24])
      ),
      (
        pairs([2, 16, 3, 3], scales: Tensor([2, 1], [1, 1])),
        .form(
          weight: "a.weight", expected: "[out, a multiple of 16], or that and [1, 1]", found: [2, 16, 3, 3])
      ),
      (
        pairs([2, 32], scales: Tensor([2, 1], [1, 1])),
        .misshaped(name: scale, expected: "float32 [2, 2]", found: "float32 [2, 1]")
      ),
      (
        pairs([1, 16], scales: Tensor([1, 1], [1]), 0x09),
        .value(weight: "a.weight", place: 1, least: -7, found: -8)
      ),
    ]
  }()

  @Test(arguments: broken.indices) func refuses(number: Int) throws {
    let (tensors, expected) = Self.broken[number]
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try SafetensorsOutput.write(tensors, to: path)
      #expect(throws: CheckpointError.wholeNumbers(path: path, expected)) {
        let file = try Checkpoint.open(path: path)
        for entry in file.entries { _ = try file.bytes(of: entry.name) }
      }
    }
  }

  /// Why a file of one weight `[rows, 4]` is refused, whose header says that it has so many bytes, beside one scale; nil where it
  /// is not.
  private func refusal(rows: Int, saying bytes: Int, buffer: Int, at path: String) throws -> CheckpointError? {
    let json =
      #"{"a.weight":{"dtype":"I8","shape":[\#(rows),4],"data_offsets":[4,\#(4 + bytes)]},"#
      + #""a.weight.scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    var file = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) } + Data(json.utf8)
    file += withUnsafeBytes(of: Float(1)) { Data($0) } + Data(count: buffer - 4)
    try file.write(to: URL(filePath: path))
    do {
      _ = try Checkpoint.open(path: path).bytes(of: "a.weight")
      return nil
    } catch { return error }
  }

  /// A header that says more than the file holds.
  @Test func sizesThatLieAreRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let cases: [(rows: Int, bytes: Int, buffer: Int, expected: CheckpointError?)] = [
        (1, 4, 8, nil),
        (1 << 40, 1 << 42, 8, .safetensors(path: path, .bufferLength(expected: 4 + (1 << 42), found: 8))),
        (2, 4, 8, .safetensors(path: path, .length(tensor: "a.weight", expected: 8, begin: 4, end: 8))),
        (
          2, 8, 12,
          .wholeNumbers(
            path: path, .misshaped(name: "a.weight.scale", expected: "float32 [2]", found: "float32 [1]"))
        ),
      ]
      for (rows, bytes, buffer, expected) in cases {
        let found = try refusal(rows: rows, saying: bytes, buffer: buffer, at: path)
        #expect(found == expected)
      }
    }
  }

  @Test func theScanTakesThem() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      try WholeNumberOutput.write(
        [("a.weight", .whole(.perChannel(bytes)))], metadata: [:], to: path, as: .safetensors)
      #expect(try SecurityScan.report(path: path).isSafe)
      try SafetensorsOutput.write(["a.weight": Tensor([2, 3], of: .int8, bytes.values)], to: path)
      #expect(
        try SecurityScan.report(path: path).findings.map(\.reason).first?.contains("a.weight.scale") == true)
    }
  }
}
