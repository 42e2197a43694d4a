// What `sam2kit quantize` writes, and that every command takes it.
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

@Suite struct QuantizeCommandTests {
  private func quantize(_ output: String, _ arguments: String...) throws -> Program.Outcome {
    try Program.run(["quantize", micro, output, "--config", microYAML] + arguments)
  }

  @Test(arguments: ["w8", "w8a8", "w4"]) func everyCommandTakesAQuantizedFile(scheme: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      let outcome = try quantize(path, "--scheme", scheme)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("image_encoder.trunk.blocks.4.attn.qkv"))
      #expect(outcome.output.contains("\(path): "))
      #expect(outcome.errors.contains("found anew for every input") == (scheme == "w8a8"))
      let file = try Checkpoint.open(path: path)
      #expect(file[qkv]?.encoding?.name == (scheme == "w4" ? "int4" : "int8"))
      #expect(file.metadata["precision_plan"]?.contains("\"precision\":\"\(scheme)\"") == true)
      #expect(try file.metadata["source_sha256"] == SHA256.hex(ofFile: micro))
      let inspected = try Program.run("inspect", path)
      #expect(inspected.code == 0)
      #expect(
        inspected.output.contains("exactly the one that its configuration describes")
          && inspected.output.contains(scheme == "w4" ? " int4 " : " int8 "))
      #expect(try Program.run("inspect", path, "--security").code == 0)

      // Floats of it, in which nothing is lost any more.
      let float = "\(folder)/f.safetensors"
      #expect(try Program.run("convert", path, float).code == 0)
      let floats = try Checkpoint.open(path: float)
      #expect(floats.metadata["precision_plan"] == nil && !floats.holdsWholeNumbers)
      #expect(try floats.float32(qkv).elements == file.float32(qkv).elements)
      #expect(try Program.run("diff", path, float).code == 0)
      let difference = try Program.run("diff", micro, path)
      #expect(difference.code == 1 && difference.output.contains("attn.qkv.weight"))

      let segment = ["--image", picture, "--point", "60,60", "--backend", "openblas"]
      let found = try Program.run(["segment", "--model", path, "--output", "\(folder)/a"] + segment)
      #expect(found.code == 0, "\(found.errors)")
      #expect(found.errors.contains("computed by the precision plan that it carries"))
      let same = try Program.run(["segment", "--model", float, "--output", "\(folder)/b"] + segment)
      #expect(same.code == 0)
      let masks = try ["a", "b"].map { run in
        let text = try String(contentsOfFile: "\(folder)/\(run)/prediction.json", encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.contains("\"model\"") }
      }
      // In Float32 with the same weights it is the same; with inputs of 8 bits it isn't.
      #expect((masks[0] == masks[1]) == (scheme != "w8a8"))

      let tracked = try Program.run(
        "track", "--model", path, "--video", TestFiles.package("Reference/clips/shapes"), "--point", "44,84",
        "--output", "\(folder)/t", "--backend", "openblas")
      #expect(tracked.code == 0, "\(tracked.errors)")
      // Not the recorded numbers, but the recorded checkpoint.
      let reference = TestFiles.package("Reference/micro.h5")
      let verified = try Program.run("verify", "--model", path, "--reference", reference)
      #expect(verified.code == 1, "\(verified.errors)")
    }
  }

  @Test func whatIsLeftIsComputedAsAsked() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      for (arguments, expected) in [
        ([], "f32"), (["--elsewhere", "f32"], "f32"), (["--elsewhere", "bf16"], "bf16"),
      ] {
        let outcome = try Program.run(
          ["quantize", micro, path, "--config", microYAML, "--scheme", "w8a8", "--json"] + arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let plan = try Checkpoint.open(path: path).metadata["precision_plan"]
        #expect(plan?.hasPrefix(#"{"default":"\#(expected)","#) == true)
      }
      #expect(try quantize(path, "--plan", "none.json", "--elsewhere", "bf16").code == 64)
    }
  }

  @Test func aPlanIsReplayed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (first, second) = ("\(folder)/a.safetensors", "\(folder)/b.safetensors")
      let told = try quantize(first, "--scheme", "w8", "--json")
      #expect(told.code == 0)
      let json = try #require(
        JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
      let plan = try JSONSerialization.data(withJSONObject: try #require(json["plan"]))
      try plan.write(to: URL(filePath: "\(folder)/plan.json"))
      #expect(json["output_bytes"] as? Int == (try MappedFile.contents(of: first).count))
      #expect(json["source_bytes"] as? Int == (try MappedFile.contents(of: micro).count))
      let layers = try #require(json["layers"] as? [[String: Any]])
      #expect(layers.allSatisfy { ($0["weight_sqnr_db"] as? Double ?? 0) > 30 })
      #expect(try quantize(second, "--plan", "\(folder)/plan.json").code == 0)
      #expect(try MappedFile.contents(of: first) == MappedFile.contents(of: second))
    }
  }

  @Test func blocksOfGGUF() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.gguf"
      let outcome = try quantize(path, "--scheme", "w8")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("stored as F16, since their rows are no multiple of 32: image_encoder."))
      let file = try Checkpoint.open(path: path)
      #expect(file[qkv]?.encoding?.name == "q8_0")
      #expect(file["image_encoder.trunk.blocks.0.attn.qkv.weight"]?.elementType == .float16)
      let found = try Program.run(
        "segment", "--model", path, "--image", picture, "--point", "60,60", "--output", "\(folder)/o",
        "--backend", "openblas")
      #expect(found.code == 0, "\(found.errors)")
      #expect(try quantize(path, "--scheme", "w8a8").code == 2)
    }
  }

  /// The same ranges from the same pictures and seed; what can't be read is told and left out.
  @Test func calibrationPutsRangesIntoThePlan() throws {
    try TestFiles.withTemporaryFolder { folder in
      let pictures = "\(folder)/pictures"
      try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: picture, toPath: "\(pictures)/a.png")
      try FileManager.default.copyItem(
        atPath: TestFiles.package("Reference/clips/shapes"), toPath: "\(pictures)/clip")
      try Data("no picture".utf8).write(to: URL(filePath: "\(pictures)/b.jpg"))
      let calibrated = ["--scheme", "w8a8", "--calibrate", pictures, "--config", microYAML]
      func run(_ name: String, _ more: String...) throws -> (outcome: Program.Outcome, file: Checkpoint) {
        let path = "\(folder)/\(name).safetensors"
        let outcome = try Program.run(["quantize", micro, path] + calibrated + more)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return (outcome, try Checkpoint.open(path: path))
      }
      let first = try run("a", "--json")
      #expect(first.outcome.errors.contains("left out: ") && first.outcome.errors.contains("b.jpg"))
      #expect(!first.outcome.errors.contains("found anew"))
      let json = try #require(
        JSONSerialization.jsonObject(with: Data(first.outcome.output.utf8)) as? [String: Any])
      let layers = try #require(json["layers"] as? [[String: Any]])
      let inputs = try #require((json["plan"] as? [String: Any])?["inputs"] as? [String: Any])
      #expect(inputs.count == layers.count && inputs.count > 90)
      #expect((json["inputs"] as? [[String: Any]])?.count == layers.count)
      let plan = first.file.metadata["precision_plan"]
      #expect(plan?.contains("\"zero_point\"") == true)
      #expect(try run("b").file.metadata["precision_plan"] == plan)
      #expect(try run("c", "--seed", "7").file.metadata["precision_plan"] != plan)
      let found = try Program.run(
        "segment", "--model", "\(folder)/a.safetensors", "--image", picture, "--point", "60,60", "--output",
        "\(folder)/o", "--backend", "openblas")
      #expect(found.code == 0, "\(found.errors)")

      let empty = "\(folder)/empty"
      try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
      func refusal(_ path: String, _ scheme: String = "w8a8") throws -> String {
        let outcome = try quantize("\(folder)/x.safetensors", "--scheme", scheme, "--calibrate", path)
        #expect(outcome.code == 2)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/x.safetensors"))
        return outcome.errors
      }
      #expect(try refusal(empty).contains("\(empty): expected pictures, or folders of frames"))
      #expect(try refusal("\(folder)/nowhere").contains("\(folder)/nowhere"))
      try Data("no picture".utf8).write(to: URL(filePath: "\(empty)/b.jpg"))
      #expect(try refusal(empty).contains("expected a picture or clip that can be read, found none among 1"))
      #expect(try refusal(pictures, "w8").contains("expected a layer in w8a8 to calibrate"))
    }
  }

  @Test func whatCannotBeQuantizedIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      #expect(try quantize(path, "--scheme", "w8").code == 0)
      let before = try MappedFile.contents(of: path)
      let again = try Program.run("quantize", path, "\(folder)/r.safetensors", "--scheme", "w8a8")
      #expect(again.code == 2)
      #expect(again.errors.contains("\(path): expected weights in floating point, found whole numbers"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/r.safetensors"))
      let plan = "\(folder)/plan.json"
      try Data(#"{"rules": [{"layers": "image_encoder.trunk.block.*", "precision": "w8"}]}"#.utf8)
        .write(to: URL(filePath: plan))
      let misspelt = try quantize(path, "--plan", plan)
      #expect(misspelt.code == 2 && misspelt.errors.contains("near it are image_encoder.trunk.blocks."))
      // What was there stays.
      #expect(try MappedFile.contents(of: path) == before)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["plan.json", "q.safetensors"])
      let format = try quantize("\(folder)/q.pt", "--scheme", "w8")
      #expect(format.code == 2 && format.errors.contains("expected a name that ends in .safetensors or .gguf"))
      for wrong in [[], ["--scheme", "w8", "--plan", plan], ["--scheme", "f32"], ["--scheme", "int8"]] {
        #expect(try Program.run(["quantize", micro, path] + wrong).code == 64)
      }
    }
  }

  /// A broken file is one sentence and exit code 2 in every command.
  @Test func brokenScalesAreNamed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/q.safetensors"
      #expect(try quantize(path, "--scheme", "w8").code == 0)
      let file = try Checkpoint.open(path: path)
      var tensors: [String: Tensor] = [:]
      for name in file.shapes.keys {
        if case .perChannel(let weight) = try file.quantized(name) {
          tensors[name] = Tensor(weight.shape, of: .int8, weight.values)
          if name != qkv { tensors["\(name).scale"] = Tensor([weight.scales.count], weight.scales) }
        } else {
          tensors[name] = try file.tensor(name)
        }
      }
      let broken = "\(folder)/broken.safetensors"
      try SafetensorsOutput.write(tensors, metadata: file.metadata, to: broken)
      for command in [
        ["inspect", broken], ["convert", broken, "\(folder)/x.pt"], ["diff", broken, path],
        ["segment", "--model", broken, "--image", picture, "--point", "1,1", "--output", "\(folder)/o"],
      ] {
        let outcome = try Program.run(command)
        #expect(outcome.code == 2, "\(command)")
        #expect(outcome.errors.contains("expected '\(qkv).scale', float32 [288], beside"), "\(outcome.errors)")
      }
      #expect(try Program.run("inspect", broken, "--security").code == 1)
    }
  }
}
