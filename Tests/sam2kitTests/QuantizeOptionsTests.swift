// What --rounding and --equalize do to a file, and what `quantize` refuses.
import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")
private let qkv = "image_encoder.trunk.blocks.4.attn.qkv.weight"

@Suite struct QuantizeOptionsTests {
  private func quantize(
    _ output: String, of input: String = micro, _ arguments: [String]
  ) throws -> Program.Outcome {
    try Program.run(["quantize", input, output, "--config", microYAML] + arguments)
  }

  /// A folder with one picture and one clip.
  private func calibration(in folder: String) throws -> String {
    let path = "\(folder)/calibration"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: picture, toPath: "\(path)/a.png")
    try FileManager.default.copyItem(
      atPath: TestFiles.package("Reference/clips/shapes"), toPath: "\(path)/clip")
    return path
  }

  private struct Told: Decodable {
    struct Layer: Decodable {
      let layer: String
      let precision: String
      let weight_sqnr_db: Double
      let result_sqnr_db: Double?
    }
    struct Norm: Decodable {
      let norm: String
      let output_sqnr_db: Double
      let output_sqnr_db_before: Double
    }
    let layers: [Layer]
    let rounding: String
    let equalized: [Norm]

    /// The mean over layers, in dB.
    var mean: Double { layers.compactMap(\.result_sqnr_db).reduce(0, +) / Double(layers.count) }
  }

  @Test(arguments: ["w4", "w8", "w8a8"]) func eachIsWorthSomething(scheme: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let pictures = try calibration(in: folder)
      func run(_ name: String, _ more: [String]) throws -> (told: Told, file: Checkpoint) {
        let path = "\(folder)/\(name).safetensors"
        let outcome = try quantize(path, ["--scheme", scheme, "--calibrate", pictures, "--json"] + more)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return (
          try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8)), try Checkpoint.open(path: path)
        )
      }
      let gptq = try run("gptq", ["--rounding", "gptq"])
      #expect(gptq.told.rounding == "gptq" && gptq.told.equalized.isEmpty)
      #expect(gptq.told.layers.allSatisfy { $0.result_sqnr_db != nil })
      let both = try run("both", ["--rounding", "gptq", "--equalize"])
      #expect(both.told.equalized.count > (scheme == "w8a8" ? 15 : 5))
      #expect(both.told.equalized.allSatisfy { $0.output_sqnr_db > $0.output_sqnr_db_before })
      #expect(gptq.file.metadata["weight_rounding"] == "gptq")
      #expect(gptq.file.metadata["equalized_norms"] == nil)
      #expect(
        both.file.metadata["equalized_norms"]
          == both.told.equalized.map(\.norm).joined(separator: " "))
      let original = try Checkpoint.open(path: micro)
      let norm = "\(both.told.equalized[0].norm).weight"
      #expect(try both.file.float32(norm).elements != original.float32(norm).elements)
      #expect(try gptq.file.float32(norm).elements == original.float32(norm).elements)
      if scheme == "w8a8" {
        let nearest = try run("nearest", [])
        #expect(nearest.told.rounding == "nearest" && nearest.file.metadata["weight_rounding"] == nil)
        let verified = try Program.run(
          "verify", "--model", both.file.path, "--reference", TestFiles.package("Reference/micro.h5"), "--brief"
        )
        #expect(verified.errors.contains("norms were equalized"), "\(verified.errors)")
        // Not more than what the range alone costs, told for the same inputs.
        #expect(gptq.told.mean > nearest.told.mean + 0.5, "\(nearest.told.mean) to \(gptq.told.mean)")
        #expect(both.told.mean > gptq.told.mean + 0.1, "\(gptq.told.mean) to \(both.told.mean)")
      } else {
        // The same weights as whole numbers that are further from them, and results that are nearer.
        let plain = try quantize("\(folder)/plain.safetensors", ["--scheme", scheme, "--json"])
        let nearest = try JSONDecoder().decode(Told.self, from: Data(plain.output.utf8))
        // Groups of 4 bits have scales of their own each time.
        for (was, now) in zip(nearest.layers, gptq.told.layers) where now.precision == "w8" {
          #expect(now.weight_sqnr_db <= was.weight_sqnr_db + 1e-9, "\(now.layer)")
        }
        let gain = zip(nearest.layers, gptq.told.layers).map { ($1.result_sqnr_db ?? 0) - $0.weight_sqnr_db }
        #expect(gain.reduce(0, +) / Double(gain.count) > 3)
      }
      // The file stands for what it says, by every reader.
      #expect(try Program.run("convert", both.file.path, "\(folder)/f.safetensors").code == 0)
      let floats = try Checkpoint.open(path: "\(folder)/f.safetensors")
      #expect(try floats.float32(qkv).elements == both.file.float32(qkv).elements)
      let found = try Program.run(
        "segment", "--model", both.file.path, "--image", picture, "--point", "60,60", "--output",
        "\(folder)/o", "--backend", "openblas")
      #expect(found.code == 0, "\(found.errors)")
    }
  }

  @Test func blocksOfGGUFAreRoundedToo() throws {
    try TestFiles.withTemporaryFolder { folder in
      let pictures = try calibration(in: folder)
      let (plain, rounded) = ("\(folder)/a.gguf", "\(folder)/b.gguf")
      #expect(try quantize(plain, ["--scheme", "w8"]).code == 0)
      let outcome = try quantize(
        rounded, ["--scheme", "w8", "--calibrate", pictures, "--rounding", "gptq"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let (before, after) = (try Checkpoint.open(path: plain), try Checkpoint.open(path: rounded))
      #expect(after[qkv]?.encoding?.name == "q8_0")
      #expect(try before.float32(qkv).elements != after.float32(qkv).elements)
      let difference =
        zip(try before.float32(qkv).elements, try after.float32(qkv).elements)
        .map { abs($0 - $1) }.max() ?? 1
      #expect(difference < 0.05)
    }
  }

  @Test func whatNeedsPicturesAsksForThem() throws {
    for arguments in [["--rounding", "gptq"], ["--equalize"], ["--rounding", "up", "--calibrate", "x"]] {
      #expect(try quantize("none.safetensors", ["--scheme", "w8"] + arguments).code == 64)
    }
  }

  /// Whole numbers give the weights back that they were made from no more.
  @Test func theSourceIsNotOverwritten() throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = "\(folder)/m.safetensors"
      #expect(try Program.run("convert", micro, source).code == 0)
      let before = try MappedFile.contents(of: source)
      let (link, hard) = ("\(folder)/link.safetensors", "\(folder)/hard.safetensors")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: source)
      try FileManager.default.linkItem(atPath: source, toPath: hard)
      for (input, output) in [
        (source, source), (source, link), (link, source), (source, hard), (source, "\(folder)/./m.safetensors"),
      ] {
        let outcome = try quantize(output, of: input, ["--scheme", "w8"])
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("\(output): can't be written: it would replace \(input)"))
      }
      #expect(try MappedFile.contents(of: source) == before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
      // Of a link to something else stays the link.
      #expect(try quantize(link, ["--scheme", "w8"]).code == 0)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == source)
      #expect(try Checkpoint.open(path: source).holdsWholeNumbers)
      #expect(try MappedFile.contents(of: hard) == before)
    }
  }

  /// The micro with some of its weights changed, as a file.
  private func changed(
    _ folder: String, _ name: String, _ change: (inout [Float]) -> Void
  ) throws -> String {
    let file = try Checkpoint.open(path: micro)
    var tensors: [String: Tensor] = [:]
    for key in file.shapes.keys { tensors[key] = try file.tensor(key) }
    let tensor = try file.float32(name)
    var elements = tensor.elements
    change(&elements)
    tensors[name] = Tensor(tensor.shape, elements)
    let path = "\(folder)/changed.safetensors"
    try SafetensorsOutput.write(tensors, metadata: [:], to: path)
    return path
  }

  @Test func brokenWeightsAreRefusedByNameAndZerosTold() throws {
    try TestFiles.withTemporaryFolder { folder in
      let output = "\(folder)/q.safetensors"
      let nan = try quantize(output, of: changed(folder, qkv) { $0[5 * 96 + 1] = .nan }, ["--scheme", "w8"])
      #expect(nan.code == 2 && nan.errors.contains("blocks.4.attn.qkv: expected finite weights"))
      #expect(nan.errors.contains("found nan in output channel 5"))
      let zero = try quantize(
        output, of: changed(folder, qkv) { for index in 0..<192 { $0[index] = 0 } }, ["--scheme", "w8"])
      #expect(zero.code == 0, "\(zero.errors)")
      #expect(zero.errors.contains("nothing but zeros have scale 1 and stay zeros: 2 of image_encoder.trunk"))
      #expect(try Checkpoint.open(path: output).float32(qkv).elements[..<192].allSatisfy { $0 == 0 })
      // In a layer that stays floating point it shows in what others are given.
      let norm = try changed(folder, "image_encoder.trunk.blocks.4.norm1.weight") { $0[3] = .nan }
      let pictures = try calibration(in: folder)
      let late = try quantize(
        "\(folder)/n.safetensors", of: norm, ["--scheme", "w8a8", "--calibrate", pictures])
      #expect(late.code == 2, "\(late.errors)")
      #expect(late.errors.contains("expected finite inputs to find a range of, found"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/n.safetensors"))
    }
  }

  /// Rows of 24 in 4 bits; a range for a layer that isn't there.
  @Test func plansThatDoNotFitAreOneSentence() throws {
    try TestFiles.withTemporaryFolder { folder in
      let plan = "\(folder)/plan.json"
      func refusal(_ json: String) throws -> String {
        try Data(json.utf8).write(to: URL(filePath: plan))
        let outcome = try quantize("\(folder)/q.safetensors", ["--plan", plan])
        #expect(outcome.code == 2 && !FileManager.default.fileExists(atPath: "\(folder)/q.safetensors"))
        return outcome.errors
      }
      let rows = try refusal(
        #"{"rules": [{"layers": "image_encoder.trunk.blocks.0.attn.qkv", "precision": "w4"}]}"#)
      #expect(rows.contains("blocks.0.attn.qkv: expected a multiple of 32 inputs"), "\(rows)")
      let missing = try refusal(
        #"""
        {"rules": [{"layers": "image_encoder.trunk.blocks.0.attn.qkv", "precision": "w8a8"}],
         "inputs": {"image_encoder.trunk.blocks.0.attn.qvk": {"scale": 1, "zero_point": 3}}}
        """#)
      #expect(missing.contains("image_encoder.trunk.blocks.0.attn.qvk"), "\(missing)")
      #expect(missing.contains("near it are image_encoder.trunk.blocks.0.attn.qkv"), "\(missing)")
    }
  }
}
