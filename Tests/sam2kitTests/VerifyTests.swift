// `sam2kit verify` as a user runs it, and what it and `compare` refuse.
import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import TestSupport
import Traces

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")
private let recording = TestFiles.package("Reference/micro.h5")
private let clip = TestFiles.package("Reference/clips/shapes")

/// The part of the JSON that the tests look at.
private struct Report: Decodable {
  struct Row: Decodable {
    struct Metrics: Decodable {
      let relative_error: Double
    }
    let name: String
    let isolated: Metrics?
  }
  struct Divergence: Decodable {
    struct Origin: Decodable {
      let kind: String
      let module: String?
    }
    struct Hint: Decodable {
      let cause: String
      let error_after: Double
    }
    let tap: String
    let origin: Origin
    let carried: Int
    let hints: [Hint]
  }
  let passes: Bool
  let arrays: [Row]
  let divergence: Divergence?
}

private func report(_ text: String) throws -> Report {
  try JSONDecoder().decode(Report.self, from: Data(text.utf8))
}

@Suite struct VerifyTests {
  @Test func aConvertedModelIsVerifiedLayerByLayer() throws {
    try TestFiles.withTemporaryFolder { folder in
      let model = "\(folder)/micro.safetensors"
      #expect(try Program.run("convert", micro, model, "--config", microYAML).code == 0)
      let run = try Program.run(
        "verify", "--model", model, "--reference", recording, "--isolate", "--trace", "\(folder)/mine.h5")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.isEmpty, "\(run.errors)")
      #expect(run.output.contains("isolated"))
      // The trace beside it is of the run itself, of that picture.
      let compared = try Program.run("compare", recording, "\(folder)/mine.h5", "--brief")
      #expect(compared.code == 0 && compared.errors.isEmpty, "\(compared.errors)")
    }
  }

  @Test func aWrongModelIsRefusedAndWithForceExplained() throws {
    try TestFiles.withTemporaryFolder { folder in
      let name = "image_encoder.trunk.blocks.2.attn.qkv"
      let wrong = try alteredCheckpoint(in: folder, "\(name).weight")
      let arguments = ["verify", "--model", wrong, "--reference", recording, "--isolate", "--json"]
      let refused = try Program.run(arguments)
      #expect(refused.code == 2)
      #expect(refused.output.isEmpty)
      #expect(refused.errors.contains("checkpoint_sha256") && refused.errors.contains("--force"))
      let forced = try Program.run(arguments + ["--force"])
      #expect(forced.code == 1, "\(forced.errors)")
      #expect(forced.errors.contains("checkpoint_sha256 differs"))
      let found = try report(forced.output)
      #expect(!found.passes)
      #expect(found.divergence?.tap == "\(name)/0/output")
      #expect(found.divergence?.origin.kind == "module")
      #expect(found.divergence?.origin.module == name)
      #expect(found.divergence?.hints.map(\.cause) == ["scaled_weight"])
      #expect(
        found.arrays.filter { ($0.isolated?.relative_error ?? 0) > 1e-4 }.map(\.name) == ["\(name)/0/output"])
    }
  }

  /// The micro model as safetensors with one weight times 1.5, which says nothing of where it comes from.
  private func alteredCheckpoint(in folder: String, _ name: String) throws -> String {
    let path = "\(folder)/wrong.safetensors"
    #expect(try Program.run("convert", micro, path, "--config", microYAML).code == 0)
    var bytes = try MappedFile.contents(of: path)
    // The header's length, then the header, then tensors.
    let length = bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    struct Entry: Decodable { let data_offsets: [Int]? }
    let header = try JSONDecoder().decode(
      [String: Entry].self, from: Data(String(decoding: bytes[8..<8 + length], as: UTF8.self).utf8))
    let offsets = try #require(header[name]?.data_offsets)
    for place in stride(from: 8 + length + offsets[0], to: 8 + length + offsets[1], by: 4) {
      let value =
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }) * 1.5
      for byte in 0..<4 {
        bytes[place + byte] = UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * byte))
      }
    }
    // Another file by another digest.
    let text = "source_sha256\":\""
    let mark = try #require(bytes.firstRange(of: Array(text.utf8)))
    bytes[mark.upperBound] = bytes[mark.upperBound] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func theFileMustBeTheRecordedOne() throws {
    let right = try Program.run(
      "verify", "--model", micro, "--reference", recording, "--image", picture, "--brief")
    #expect(right.code == 0, "\(right.errors)")
    let wrong = try Program.run(
      "verify", "--model", micro, "--reference", recording, "--image", "\(clip)/00000.jpg", "--brief")
    #expect(wrong.code == 2)
    #expect(wrong.errors.contains("input_sha256"))
  }

  @Test func whatARecordingDoesNotHoldHasToBeNamed() throws {
    let sketch = TestFiles.package("Reference/sketches/sam2.1_hiera_tiny.image.h5")
    let clicks = TestFiles.package("Reference/video/clicks.h5")
    let video = try Program.run("verify", "--model", micro, "--reference", clicks)
    #expect(video.code == 2)
    #expect(video.errors.contains("--video"))
    let isolated = try Program.run("verify", "--model", micro, "--reference", sketch, "--isolate")
    #expect(isolated.code == 2)
    #expect(isolated.errors.contains("found a sketch"))
  }

  @Test func aVideoIsVerifiedWithItsMasks() throws {
    let run = try Program.run(
      "verify", "--model", micro, "--reference", TestFiles.package("Reference/video/masks.h5"), "--video", clip,
      "--isolate", "--brief", "--tolerance", "3e-4")
    #expect(run.code == 0, "\(run.output)\(run.errors)")
  }

  @Test func otherBackendsAndPrecisionsAreNamedAndRefused() throws {
    let backend = try Program.run("verify", "--model", micro, "--reference", recording, "--backend", "cuda")
    #expect(backend.code == 64)
    #expect(backend.errors.contains("openblas"))
    let precision = try Program.run(
      "verify", "--model", micro, "--reference", recording, "--precision", "float8")
    #expect(precision.code == 64)
    #expect(precision.errors.contains("f32") && precision.errors.contains("w8a8"))
    let lacking = try Program.run(
      "verify", "--model", micro, "--reference", recording, "--precision", "bf16")
    #expect(lacking.code == 2)
    #expect(
      lacking.errors.hasSuffix(
        "image_encoder.trunk.patch_embed.proj: the backend openblas computes in f32, w8, w8a8, w4, and was asked for bf16\n"
      ))
  }

  @Test func plansAreHeldAgainstTheModel() throws {
    try TestFiles.withTemporaryFolder { folder in
      func verify(_ plan: String, _ more: String...) throws -> (code: Int32, errors: String) {
        try Data(plan.utf8).write(to: URL(fileURLWithPath: "\(folder)/plan.json"))
        let run = try Program.run(
          ["verify", "--model", micro, "--reference", recording, "--brief", "--plan", "\(folder)/plan.json"]
            + more)
        return (run.code, run.errors)
      }
      #expect(try verify(#"{"rules": [{"layers": "*.qkv", "precision": "f32"}]}"#, "--fused").code == 0)
      let misspelt = try verify(#"{"rules": [{"layers": "*.qvk", "precision": "f32"}]}"#)
      #expect(misspelt.code == 2)
      #expect(
        misspelt.errors.contains("the plan's `*.qvk` fits no layer of this model; near it are image_encoder"))
      let malformed = try verify("[]")
      #expect(malformed.code == 2)
      #expect(malformed.errors.contains("\(folder)/plan.json: a precision plan: expected an object"))
      let both = try verify("{}", "--precision", "f32")
      #expect(both.code == 64)
      #expect(both.errors.contains("--precision is for all layers and --plan for each"))
    }
  }

  @Test func otherPromptsAndSettingsAreRefusedByCompareToo() throws {
    try TestFiles.withTemporaryFolder { folder in
      func trace(_ name: String, _ arguments: String...) throws -> String {
        let path = "\(folder)/\(name).h5"
        let run = try Program.run(
          [
            "segment", "--model", micro, "--config", microYAML, "--image", picture, "--output", folder,
            "--trace",
            path, "--tap", "sam_mask_decoder",
          ] + arguments)
        #expect(run.code == 0, "\(run.errors)")
        return path
      }
      let first = try trace("a", "--point", "100,100")
      let same = try trace("b", "--point", "100,100", "--set", "fill_hole_area=0")
      #expect(try MappedFile.contents(of: first).count == MappedFile.contents(of: same).count)
      // What only videos look at is no other setting for a picture.
      #expect(try Program.run("compare", first, same).code == 0)
      let moved = try trace("c", "--point", "100,101")
      let refused = try Program.run("compare", first, moved)
      #expect(refused.code == 2)
      #expect(refused.errors.contains("prompts"))
      #expect(try Program.run("compare", first, moved, "--force").code == 1)
      let other = try trace("d", "--point", "100,100", "--set", "iou_prediction_use_sigmoid=false")
      let setting = try Program.run("compare", first, other)
      #expect(setting.code == 2)
      #expect(setting.errors.contains("iou_prediction_use_sigmoid=true"))
    }
  }
}
