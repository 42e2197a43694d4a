// Namings, candidates and differences as a user meets them.
import Checkpoints
import Foundation
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")

@Suite struct NamingTests {
  private func candidate(_ name: String) -> String {
    TestFiles.package("Tests/CheckpointsTests/Fixtures/candidates/\(name)")
  }

  @Test func aFolderForTransformersIsWholeAndRuns() throws {
    try TestFiles.withTemporaryFolder { folder in
      let output = "\(folder)/micro"
      let made = try Program.run(
        "convert", micro, output, "--naming", "transformers", "--config", microYAML)
      #expect(made.code == 0, "\(made.errors)")
      #expect(made.errors.contains("these have 32"))
      let files = Set(try FileManager.default.contentsOfDirectory(atPath: output))
      let expected: Set = [
        "model.safetensors", "config.json", "processor_config.json", "preprocessor_config.json",
        "video_preprocessor_config.json",
      ]
      #expect(files == expected)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["micro"])
      #expect(try Checkpoint.open(path: output).metadata["format"] == "pt")
      // The same masks from either.
      for (name, model) in [("a", output), ("b", micro)] {
        let run = try Program.run(
          "segment", "--model", model, "--config", name == "a" ? "\(output)/config.json" : microYAML, "--image",
          TestFiles.package("Reference/micro.png"), "--point", "100,100", "--output", "\(folder)/\(name)")
        #expect(run.code == 0, "\(run.errors)")
      }
      #expect(
        FileManager.default.contentsEqual(
          atPath: "\(folder)/a/mask_0.png", andPath: "\(folder)/b/mask_0.png"))
      let inspected = try Program.run("inspect", output, "--no-statistics")
      #expect(inspected.output.contains("naming: transformers"))
    }
  }

  /// A folder as transformers' `save_pretrained` leaves it has none of our metadata: config.json has to do.
  @Test func theConfigurationBesideTheWeightsIsRead() throws {
    try TestFiles.withTemporaryFolder { folder in
      let made = "\(folder)/made"
      #expect(
        try Program.run("convert", micro, made, "--naming", "transformers", "--config", microYAML).code == 0)
      let saved = "\(folder)/saved"
      try FileManager.default.createDirectory(atPath: saved, withIntermediateDirectories: false)
      try Conversion(Checkpoint.open(path: made).named(.transformers), metadata: ["format": "pt"])
        .write(to: "\(saved)/model.safetensors", as: .safetensors)
      let back = "\(folder)/back.pt"
      #expect(try Program.run("convert", saved, back).code == 2)
      try FileManager.default.copyItem(atPath: "\(made)/config.json", toPath: "\(saved)/config.json")
      #expect(try Program.run("convert", saved, back).code == 0)
      let compared = try Program.run("diff", micro, back)
      #expect(compared.code == 0 && compared.output == "equal: 383 tensors, bit for bit\n")
      #expect(
        try Program.run("inspect", saved, "--no-statistics").output.contains("as its configuration") == false)
      #expect(
        try Program.run("inspect", saved, "--no-statistics").output
          .contains("exactly the one that its configuration describes"))
    }
  }

  @Test func aFolderThatIsThereKeepsItsOtherFiles() throws {
    try TestFiles.withTemporaryFolder { folder in
      try Data("mine".utf8).write(to: URL(filePath: "\(folder)/README.md"))
      for _ in 0..<2 {
        let made = try Program.run(
          "convert", micro, folder, "--naming", "transformers", "--config", microYAML)
        #expect(made.code == 0)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 6)
      #expect(try String(contentsOfFile: "\(folder)/README.md", encoding: .utf8) == "mine")
    }
  }

  @Test func whatTransformersCannotComputeIsRefusedAndNothingIsLeft() throws {
    try TestFiles.withTemporaryFolder { folder in
      let made = try Program.run(
        "convert", micro, "\(folder)/x", "--naming", "transformers", "--config", microYAML, "--set",
        "soft_no_obj_ptr=true")
      #expect(made.code == 2 && made.errors.contains("soft_no_obj_ptr=true"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      #expect(try Program.run("convert", micro, "\(folder)/x", "--config", microYAML).code == 64)
      #expect(try Program.run("convert", micro, "\(folder)/x.pt", "--naming", "mine").code == 64)
    }
  }

  @Test func aChoiceIsSaid() throws {
    let inspected = try Program.run("inspect", candidate("ema.pt"), "--key", "ema", "--json")
    #expect(inspected.code == 0)
    for text in ["\"key\" : \"ema\"", "\"other_keys\" : [\n    \"model\"\n  ]", "'optimizer' (a dict)"] {
      #expect(inspected.output.contains(text), "\(text)")
    }
    let unknown = try Program.run("inspect", candidate("ema.pt"), "--key", "x")
    #expect(unknown.code == 2 && unknown.errors.contains("expected one of the keys 'ema', 'model', found 'x'"))
  }

  @Test func differencesAreNamedAndTheExitCodeSaysSo() throws {
    let file = candidate("ema.pt")
    let same = try Program.run("diff", file, candidate("bare.pt"))
    #expect(same.code == 0 && same.errors.contains("--key chooses another: 'ema'"))
    let other = try Program.run("diff", file, file, "--other-key", "ema")
    #expect(other.code == 1 && other.output.contains("2 changed, 0 equal"))
    let json = try Program.run("diff", file, file, "--key", "ema", "--other-key", "model", "--json")
    #expect(json.code == 1 && json.output.contains("\"largest_change\" : 1"))
    let across = try Program.run("diff", candidate("transformers.safetensors"), candidate("bare.pt"))
    #expect(across.code == 1 && across.output.contains("6 missing, 2 equal"))
    #expect(try Program.run("diff", file, "/nonexistent").code == 2)
  }
}
