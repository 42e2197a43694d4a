// Every released model at full size, held against PyTorch: weights out of a seed, recorded by tools/record_sketches.py.
import Files
import Foundation
import TestSupport
import Testing

/// What `tools/test --all` sets.
private let wantsAll = ProcessInfo.processInfo.environment["SAM2KIT_TEST_ALL"] != nil

// One after the other: a model and its activations take up to 3 GB.
@Suite(.serialized) struct VariantTests {
  @Test(arguments: ["sam2.1_hiera_tiny", "sam2.1_hiera_base_plus"])
  func matchesPyTorchOnAPicture(variant: String) throws { try compare(variant) }

  @Test(
    .enabled(if: wantsAll, "takes minutes: run by tools/test --all"),
    arguments: [
      "sam2_hiera_tiny", "sam2_hiera_small", "sam2_hiera_base_plus", "sam2_hiera_large", "sam2.1_hiera_small",
      "sam2.1_hiera_large",
    ])
  func matchesPyTorchOnAPictureToo(variant: String) throws { try compare(variant) }

  /// Synthesizes the weights that PyTorch had, runs the same prompts and compares every call of every module.
  private func compare(_ variant: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let (model, sketch) = ("\(folder)/\(variant).pt", "\(folder)/sketch.h5")
      let made = try Program.run("synthesize", variant, model, "--seed", "1")
      #expect(made.code == 0, "\(made.errors)")
      let run = try Program.run(
        "segment", "--model", model, "--image", TestFiles.package("Reference/micro.png"), "--prompts",
        TestFiles.package("Reference/micro.prompts.json"), "--output", folder, "--sketch", sketch)
      #expect(run.code == 0, "\(run.errors)")
      let compared = try Program.run(
        "compare", TestFiles.package("Reference/sketches/\(variant).image.h5"), sketch, "--brief")
      #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
      // The same weights, picture and prompts: nothing to remark.
      #expect(compared.errors.isEmpty, "\(compared.errors)")
      #expect(compared.output.contains("0 missing, 0 misshaped, 0 only in the candidate"))
    }
  }
}
