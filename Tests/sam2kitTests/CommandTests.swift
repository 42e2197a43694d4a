import Checkpoints
import Files
import Foundation
import Masks
import Media
import Prompts
import Tensors
import Testing
import TestSupport
import Traces

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")
private let recording = TestFiles.package("Reference/micro.h5")

/// The part of `prediction.json` that the tests look at.
private struct Report: Decodable {
  struct Mask: Decodable {
    struct Encoding: Decodable {
      let size: [Int]
      let counts: String
    }
    let file: String
    let object: Int
    let segmentation: Encoding
    let bbox: [Int]
    let area: Int
    let predicted_iou: Float
    let stability_score: Float
    let object_score: Float
  }
  struct Image: Decodable {
    let width: Int
    let height: Int
  }
  let image: Image
  let masks: [Mask]
}

@Test func theWholeJobGoesFromCheckpointToVerdict() throws {
  try TestFiles.withTemporaryFolder { folder in
    let model = "\(folder)/micro.safetensors"
    let converted = try Program.run("convert", micro, model, "--config", microYAML)
    #expect(converted.code == 0, "\(converted.errors)")
    #expect(try Checkpoint.open(path: model).metadata["source_sha256"] == SHA256.hex(ofFile: micro))

    let inspected = try Program.run("inspect", model, "--no-statistics")
    #expect(inspected.output.contains("exactly the one that its configuration describes"))

    let trace = "\(folder)/trace.h5"
    let segmented = try Program.run(
      "segment", "--model", model, "--image", picture, "--prompts",
      TestFiles.package("Reference/micro.prompts.json"),
      "--output", "\(folder)/out", "--trace", trace)
    #expect(segmented.code == 0, "\(segmented.errors)")

    let compared = try Program.run("compare", recording, trace)
    #expect(compared.code == 0, "\(compared.output)")
    // The converted model's trace names the checkpoint that PyTorch ran.
    #expect(compared.errors.isEmpty, "\(compared.errors)")

    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out/prediction.json"))
    let report = try JSONDecoder().decode(Report.self, from: data)
    #expect(report.image.width == 320 && report.image.height == 240)
    #expect(report.masks.map(\.object) == [1, 2, 3])
    for mask in report.masks {
      let png = try BinaryMask.read(path: "\(folder)/out/\(mask.file)")
      let runs = try RunLengthEncoding(width: 320, height: 240, compressed: mask.segmentation.counts)
      #expect(BinaryMask(runs) == png)
      #expect(png.area == mask.area)
      #expect(mask.segmentation.size == [240, 320])
    }
    #expect(try Picture.read(path: "\(folder)/out/overlay.png").width == 320)
  }
}

@Test func hdf5WeightsRunAsTheCheckpointDoes() throws {
  try TestFiles.withTemporaryFolder { folder in
    let model = "\(folder)/micro.h5"
    #expect(try Program.run("convert", micro, model, "--config", microYAML).code == 0)
    for (name, arguments) in [("pt", ["--model", micro, "--config", microYAML]), ("h5", ["--model", model])] {
      let run = try Program.run(
        ["segment", "--image", picture, "--point", "100,100", "--output", "\(folder)/\(name)"] + arguments)
      #expect(run.code == 0, "\(run.errors)")
    }
    #expect(
      try MappedFile.contents(of: "\(folder)/pt/mask_0.png")
        == MappedFile.contents(of: "\(folder)/h5/mask_0.png"))
  }
}

@Test func theEmbeddedModelNeedsNoConfiguration() throws {
  try TestFiles.withTemporaryFolder { folder in
    let beside = TestFiles.package("Weights/sam2.1_micro.yaml")
    let note = "note: \(micro): configuration taken from \(beside) beside it\n"
    let arguments = ["--model", micro, "--image", picture, "--point", "100,100"]
    let found = try Program.run(["segment", "--output", "\(folder)/found"] + arguments)
    #expect(found.code == 0)
    #expect(found.errors == note)
    let named = try Program.run(["segment", "--output", "\(folder)/named", "--config", beside] + arguments)
    #expect(named.code == 0 && named.errors.isEmpty, "\(named.errors)")
    #expect(try contents(of: "\(folder)/found") == contents(of: "\(folder)/named"))
    let converted = try Program.run("convert", micro, "\(folder)/micro.safetensors")
    #expect(converted.code == 0)
    #expect(converted.errors == note)
  }
}

@Test func aTapFilterRecordsOnlyThat() throws {
  try TestFiles.withTemporaryFolder { folder in
    let trace = "\(folder)/t.h5"
    let run = try Program.run(
      "segment", "--model", micro, "--config", microYAML, "--image", picture, "--point", "2:100,100,1", "--box",
      "10,10,90,90", "--multimask", "--output", folder, "--trace", trace, "--tap",
      "image_encoder.trunk.blocks.?")
    #expect(run.code == 0, "\(run.errors)")
    let reader = try TraceReader(path: trace)
    #expect(
      Set(reader.taps.compactMap(\.module?.name)) == Set((0..<9).map { "image_encoder.trunk.blocks.\($0)" }))
    // Two objects, three masks each.
    #expect(try reader.tap("prediction/low_res_logits").shape == [2, 3, 32, 32])
    #expect(reader.provenance.prompts.objects.map(\.object) == [1, 2])
  }
}

@Test func aCompressedTraceIsSmallerAndEqual() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (plain, compressed) = ("\(folder)/plain.h5", "\(folder)/compressed.h5")
    for arguments in [["--trace", plain], ["--trace", compressed, "--compress"]] {
      let run = try Program.run(
        [
          "segment", "--model", micro, "--config", microYAML, "--image", picture, "--point", "100,100",
          "--output", folder, "--tap", "image_encoder.neck*",
        ] + arguments)
      #expect(run.code == 0, "\(run.errors)")
    }
    let compared = try Program.run("compare", plain, compressed, "--tolerance", "0")
    #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
    #expect(try MappedFile.contents(of: compressed).count < MappedFile.contents(of: plain).count)
  }
}

@Test func compareFailsOnAMissingTapAndOnATightTolerance() throws {
  try TestFiles.withTemporaryFolder { folder in
    let trace = "\(folder)/t.h5"
    _ = try Program.run(
      "segment", "--model", micro, "--config", microYAML, "--image", picture, "--prompts",
      TestFiles.package("Reference/micro.prompts.json"), "--output", folder, "--trace", trace, "--tap", "sam_*")
    #expect(try Program.run("compare", recording, trace, "--brief").code == 1)
    #expect(try Program.run("compare", recording, trace, "--tap", "sam_*").code == 0)
    #expect(try Program.run("compare", recording, trace, "--tap", "sam_*", "--tolerance", "1e-9").code == 1)
  }
}

@Test func inspectSaysWhatAFileIs() throws {
  let text = try Program.run("inspect", micro)
  #expect(text.code == 0)
  #expect(text.output.contains("383 tensors, 2,516,834 numbers"))
  #expect(text.output.contains("nearest is sam2.1_hiera_tiny"))
  let json = try Program.run("inspect", micro, "--json")
  struct Inspection: Decodable {
    struct Tensor: Decodable {
      let name: String
      let shape: [Int]
      let nan: Int?
    }
    let tensors: [Tensor]
  }
  let tensors = try JSONDecoder().decode(Inspection.self, from: Data(json.output.utf8)).tensors
  #expect(tensors.count == 383)
  #expect(tensors.first { $0.name == "no_mem_embed" }?.shape == [1, 1, 64])
  #expect(tensors.allSatisfy { $0.nan == 0 })
}

@Test func masksOfAnEarlierRunGoWithItsReport() throws {
  try TestFiles.withTemporaryFolder { folder in
    let arguments = [
      "segment", "--model", micro, "--config", microYAML, "--image", picture, "--point", "100,100", "--output",
      folder,
    ]
    #expect(try Program.run(arguments + ["--multimask"]).code == 0)
    try Data().write(to: URL(fileURLWithPath: "\(folder)/mask_9.png"))
    #expect(try Program.run(arguments).code == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    // mask_9.png is nobody's.
    #expect(left == ["mask_0.png", "mask_9.png", "overlay.png", "prediction.json"])
  }
}

/// Who says nothing is told what to start from.
@Test func theProgramAloneShowsFourLinesToStartFrom() throws {
  let run = try Program.run([])
  let lines = run.output.split(separator: "\n")
  #expect(run.code == 0 && lines.count == 4, "\(run.output)")
  for (line, start) in zip(lines, ["sam2kit fetch ", "sam2kit segment ", "sam2kit track ", "sam2kit --help "]) {
    #expect(line.hasPrefix(start), "\(line)")
  }
  // The lines are right as far as they can be without a model: what is missing is the picture or the video.
  for line in lines[1...2] {
    let tried = try Program.run(line.split(separator: " ").dropFirst().map(String.init))
    #expect(tried.code == 2 && tried.errors.contains("No such file"), "\(tried.errors)")
  }
  #expect(try Program.run("sgment").code == 64)
}

@Test(arguments: ["bash", "zsh", "fish"])
func shellsCanCompleteEveryCommand(shell: String) throws {
  let script = try Program.run("--generate-completion-script", shell)
  #expect(script.code == 0)
  for word in ["segment", "track", "trace-info", "calibrate-policy", "detections"] {
    #expect(script.output.contains(word), "\(word)")
  }
}
