// Every released model at full size, held against PyTorch: weights out of a seed, recorded by tools/record_sketches.py.
import Files
import Foundation
import Testing
import TestSupport

/// What `tools/test --all` sets.
private let wantsAll = ProcessInfo.processInfo.environment["SAM2KIT_TEST_ALL"] != nil

// One after the other: a model and its activations take up to 3 GB.
@Suite(.serialized) struct VariantTests {
  @Test(arguments: ["sam2.1_hiera_tiny", "sam2.1_hiera_base_plus"])
  func matchesPyTorchOnAPicture(variant: String) throws { try compare(variant, image) }

  @Test(arguments: ["sam2.1_hiera_tiny"])
  func matchesPyTorchOnAVideo(variant: String) throws { try compare(variant, video) }

  @Test(
    .enabled(if: wantsAll, "takes minutes: run by tools/test --all"),
    arguments: [
      "sam2_hiera_tiny", "sam2_hiera_small", "sam2_hiera_base_plus", "sam2_hiera_large", "sam2.1_hiera_small",
      "sam2.1_hiera_large",
    ])
  func matchesPyTorchOnAPictureToo(variant: String) throws { try compare(variant, image) }

  @Test(
    .enabled(if: wantsAll, "takes minutes: run by tools/test --all"),
    arguments: [
      "sam2_hiera_tiny", "sam2_hiera_small", "sam2_hiera_base_plus", "sam2_hiera_large", "sam2.1_hiera_small",
      "sam2.1_hiera_base_plus", "sam2.1_hiera_large",
    ])
  func matchesPyTorchOnAVideoToo(variant: String) throws { try compare(variant, video) }

  /// A run that was recorded of every variant: its name, what the program is told to do the same, and how the two are
  /// compared.
  private typealias RecordedCase = (name: String, arguments: [String], comparisons: [[String]])

  private let image: RecordedCase = (
    "image",
    [
      "segment", "--image", TestFiles.package("Reference/micro.png"), "--prompts",
      TestFiles.package("Reference/micro.prompts.json"),
    ],
    [[]]
  )

  // As tools/record_sketches.py has it, and tells why. Holes stay, as the official code leaves them on a CPU.
  private let video: RecordedCase = (
    "video",
    [
      "track", "--video", TestFiles.package("Reference/clips/shapes"), "--prompts",
      TestFiles.package("Reference/sketches/video.prompts.json"), "--set", "fill_hole_area=0", "--set",
      "binarize_mask_from_pts_for_mem_enc=false",
    ]
      + [
        "image_encoder", "sam_prompt_encoder*", "sam_mask_decoder", "memory_attention*", "memory_encoder*",
        "obj_ptr*",
      ].flatMap { ["--tap", $0] },
    // What no memory went into, as strictly as a picture. Of memories, single elements round to bfloat16 the other way,
    // by 2^-7 at most: attention makes up to 1.5e-3 of that in base_plus, and predictions are off by up to 1.2e-4.
    [
      ["--tolerance", "4e-3"],
      ["--tolerance", "1e-3", "--tap", "prediction/*"],
      ["image_encoder", "sam_mask_decoder/[01]/*", "memory_encoder*/[01]/*", "prediction/[012]/0/*"].flatMap {
        ["--tap", $0]
      },
    ]
  )

  /// Synthesizes the weights that PyTorch had, does the same and compares every call that was recorded.
  private func compare(_ variant: String, _ run: RecordedCase) throws {
    try TestFiles.withTemporaryFolder { folder in
      let (model, sketch) = ("\(folder)/\(variant).pt", "\(folder)/sketch.h5")
      let made = try Program.run("synthesize", variant, model, "--seed", "1")
      #expect(made.code == 0, "\(made.errors)")
      let ran = try Program.run(
        run.arguments + ["--model", model, "--output", "\(folder)/out", "--sketch", sketch])
      #expect(ran.code == 0, "\(ran.errors)")
      for options in run.comparisons {
        let compared = try Program.run(
          ["compare", TestFiles.package("Reference/sketches/\(variant).\(run.name).h5"), sketch, "--brief"]
            + options)
        #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
        // The same weights, input and prompts: nothing to remark.
        #expect(compared.errors.isEmpty, "\(compared.errors)")
        #expect(compared.output.contains("0 missing, 0 misshaped, 0 only in the candidate"))
      }
    }
  }
}
