// `sam2kit synthesize` as a user meets it.
import Checkpoints
import Files
import Foundation
import Testing
import TestSupport

@Test func synthesizedModelsOfAnyConfigurationRun() throws {
  try TestFiles.withTemporaryFolder { folder in
    let yaml = TestFiles.package("Reference/micro.yaml")
    let model = "\(folder)/model.pt"
    let made = try Program.run("synthesize", "--config", yaml, model, "--seed", "7")
    #expect(made.code == 0 && made.output.contains("seed 7"))
    let run = try Program.run(
      "segment", "--model", model, "--config", yaml, "--image", TestFiles.package("Reference/micro.png"),
      "--point",
      "100,100", "--output", folder, "--sketch", "\(folder)/sketch.h5", "--trace", "\(folder)/trace.h5")
    #expect(run.code == 0, "\(run.errors)")
    let compared = try Program.run("compare", "\(folder)/sketch.h5", "\(folder)/trace.h5")
    #expect(compared.code == 0 && compared.output.contains("Smallest tolerance that passes: 0\n"))
  }
}

@Test func equalSeedsGiveEqualFiles() throws {
  try TestFiles.withTemporaryFolder { folder in
    let yaml = TestFiles.package("Reference/micro.yaml")
    func digest(_ name: String, _ seed: String) throws -> String {
      let path = "\(folder)/\(name)/model.pt"
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      #expect(try Program.run("synthesize", "--config", yaml, path, "--seed", seed).code == 0)
      return try SHA256.hex(ofFile: path)
    }
    let first = try digest("a", "1")
    #expect(try first == digest("b", "1"))
    #expect(try first != digest("c", "2"))
  }
}

@Test func synthesizeRefusesWrongUsage() throws {
  let unknown = try Program.run("synthesize", "sam3", "x.pt")
  #expect(unknown.code == 64 && unknown.errors.contains("sam2.1_hiera_tiny"))
  #expect(try Program.run("synthesize", "sam2_hiera_tiny", "x.safetensors").code == 64)
  #expect(try Program.run("synthesize", "sam2_hiera_tiny").code == 64)
  #expect(try Program.run("synthesize", "sam2_hiera_tiny", "x.pt", "--config", "x.yaml").code == 64)
}
