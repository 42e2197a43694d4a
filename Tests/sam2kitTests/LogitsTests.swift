// Low-resolution logits as NumPy's files: what goes out is what the official predictor returns, and what it takes goes in.
import Foundation
import Masks
import Media
import Testing
import TestSupport

private let picture = TestFiles.package("Reference/micro.png")

private func segment(_ arguments: [String], into folder: String) throws -> Program.Outcome {
  try Program.run(
    [
      "segment", "--model", Clip.micro, "--config", Clip.microYAML, "--image", picture, "--output", folder,
      "--backend", "openblas",
    ] + arguments)
}

/// A `.npy` file of version 1, as NumPy's format description has it.
private func npy(
  _ shape: [Int], _ values: [Float], type: String = "<f4", isFortran: Bool = false, tail: String = ""
) -> Data {
  let extents = shape.map { "\($0)," }.joined(separator: " ")
  var header =
    "{'descr': '\(type)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': (\(extents)), }\(tail)"
  header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
  var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]) + Data(header.utf8)
  for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
  return data
}

@Suite struct LogitsTests {
  /// Reference/micro.h5 has what PyTorch predicted.
  @Test func whatIsWrittenIsWhatTheOfficialPredictorReturns() throws {
    try TestFiles.withTemporaryFolder { folder in
      let logits = "\(folder)/l.npy"
      let run = try segment(
        ["--prompts", TestFiles.package("Reference/micro.prompts.json"), "--logits", logits], into: folder)
      #expect(run.code == 0 && run.output.contains(logits), "\(run.errors)")
      let map = """
        {"taps": ["prediction/low_res_logits"],
         "rules": [{"from": "l", "to": "prediction/low_res_logits", "reshape": true}]}
        """
      try Data(map.utf8).write(to: URL(fileURLWithPath: "\(folder)/map.json"))
      let compared = try Program.run(
        "compare", TestFiles.package("Reference/micro.h5"), logits, "--map", "\(folder)/map.json")
      #expect(
        compared.code == 0 && compared.output.contains("1 compared"), "\(compared.output)\(compared.errors)")
    }
  }

  /// A mask of the whole picture means logits of 10 throughout.
  @Test func whatIsTakenIsTheMaskThatItMeans() throws {
    try TestFiles.withTemporaryFolder { folder in
      func mask(_ name: String, _ arguments: [String]) throws -> Data {
        let run = try segment(arguments + ["--point", "60,60"], into: "\(folder)/\(name)")
        #expect(run.code == 0, "\(run.errors)")
        return try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/mask_0.png"))
      }
      try BinaryMask(width: 320, height: 240, pixels: [UInt8](repeating: 1, count: 320 * 240)).write(
        path: "\(folder)/whole.png")
      let one = "\(folder)/one.npy"
      try npy([32, 32], [Float](repeating: 10, count: 1024)).write(to: URL(fileURLWithPath: one))
      let two = "\(folder)/two.npy"
      let values = [Float](repeating: -10, count: 1024) + [Float](repeating: 10, count: 1024)
      try npy([2, 1, 32, 32], values).write(to: URL(fileURLWithPath: two))
      let expected = try mask("whole", ["--mask", "\(folder)/whole.png"])
      #expect(try mask("one", ["--mask", one]) == expected)
      #expect(try mask("second", ["--mask", "\(two)#2"]) == expected)
      let first = try mask("first", ["--mask", two])
      #expect(first != expected)
      #expect(try mask("named", ["--mask", "\(two)#1"]) == first)
      let numbered = try segment(["--mask", "2:\(two)", "--point", "2:60,60"], into: "\(folder)/numbered")
      #expect(numbered.code == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/numbered/mask_0.png")) == expected)
    }
  }

  @Test func otherArraysAreRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/l.npy"
      let right = [Float](repeating: 1, count: 1024)
      for (name, data) in [
        ("double", npy([32, 16], right, type: "<f8")), ("columns", npy([32, 32], right, isFortran: true)),
        ("one axis", npy([1024], right)), ("cut", npy([32, 32], right).dropLast(4)),
        ("longer", npy([32, 32], right + [1])), ("NaN", npy([32, 32], right.dropLast() + [.nan])),
        ("three axes", npy([1, 2, 16, 32], right)), ("empty", Data()),
        ("another", Data("P5 3 2 255 abcdefg".utf8)),
        ("more than there is", npy([1 << 31, 1 << 31], right)), ("zero", npy([0, 1 << 62], [])),
        ("overflowing", npy([1 << 32, 1 << 32], [])), ("text behind", npy([32, 32], right, tail: "]}")),
        ("another size", npy([16, 16], Array(right.prefix(256)))),
      ] {
        try data.write(to: URL(fileURLWithPath: path))
        let run = try segment(["--mask", path], into: "\(folder)/out")
        #expect(run.code == 2 && run.errors.contains("expected"), "\(name): \(run.code) \(run.errors)")
        if name == "NaN" { #expect(run.errors.contains("found NaN or infinities"), "\(run.errors)") }
      }
    }
  }
}
