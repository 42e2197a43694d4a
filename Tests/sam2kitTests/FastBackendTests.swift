// The fast backend as a user meets it: chosen by itself, right with every instruction set, the same at any number of threads.
import Foundation
import OneDNNBackend
import TestSupport
import Testing

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")

/// Runs the program with these variables besides, and fails unless it exits with `code`.
private func output(_ arguments: String..., with variables: [String: String] = [:]) throws -> String {
  let outcome = try Program.run(arguments, with: variables)
  #expect(outcome.code == 0, "\(arguments), \(outcome.output.suffix(600))")
  return outcome.output
}

@Suite(.enabled(if: OneDNNBackend.isServed, "oneDNN isn't installed, or the processor has no AVX2"))
struct FastBackendTests {
  /// PyTorch's numbers, with wholes and without, by every instruction set up to this processor's.
  @Test(arguments: ["portable", "avx2", "avx512", "avx512_bf16", "amx"])
  func everyInstructionSetPassesTheRecording(most: String) throws {
    for fused in [[], ["--fused"]] {
      let arguments =
        [
          "verify", "--model", micro, "--reference", TestFiles.package("Reference/micro.h5"), "--backend",
          "onednn",
        ]
        + fused
      let outcome = try Program.run(arguments, with: ["SAM2KIT_MAX_ISA": most])
      #expect(outcome.code == 0, "\(arguments) with \(most)")
    }
  }

  /// bfloat16 rounds alike whether the processor multiplies it or it is widened first.
  @Test(arguments: ["avx2", "avx512_bf16", "amx"]) func bfloat16IsNearWithEveryInstructionSet(most: String)
    throws
  {
    _ = try output(
      "verify", "--fused", "--model", micro, "--reference",
      TestFiles.package("Reference/micro.h5"), "--backend", "onednn", "--precision", "bf16", "--tolerance",
      "5e-2", with: ["SAM2KIT_MAX_ISA": most])
  }

  @Test(arguments: ["f32", "bf16", "w8a8"]) func bitsAreTheSameAtAnyNumberOfThreads(precision: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      var traces: [String] = []
      for threads in ["1", "2", "5"] {
        let trace = "\(folder)/\(threads).h5"
        _ = try output(
          "segment", "--model", micro, "--image", picture, "--point", "100,100", "--point", "2:40,60",
          "--backend",
          "onednn", "--precision", precision, "--threads", threads, "--trace", trace, "--tap",
          "sam_mask_decoder",
          "--tap", "image_encoder", "--output", "\(folder)/out\(threads)")
        traces.append(trace)
      }
      for trace in traces.dropFirst() {
        _ = try output("compare", traces[0], trace, "--tolerance", "0")
      }
    }
  }

  @Test func itIsTheFirstChoiceButNotToRecord() throws {
    struct Report: Decodable {
      struct Backend: Decodable { let name: String }
      let backend: Backend
    }
    let json = try output("benchmark", "--model", micro, "--repeat", "1", "--json")
    #expect(try JSONDecoder().decode(Report.self, from: Data(json.utf8)).backend.name == "onednn")
    try TestFiles.withTemporaryFolder { folder in
      let trace = "\(folder)/t.h5"
      _ = try output(
        "segment", "--model", micro, "--image", picture, "--point", "100,100", "--trace", trace, "--tap",
        "sam_mask_decoder", "--output", "\(folder)/out")
      #expect(try output("trace-info", trace, "--brief").contains("openblas"))
    }
  }

  /// Whoever asks for bytes is told where nothing is gained by them.
  @Test func bytesThatAreNotFasterAreSaid() throws {
    try TestFiles.withTemporaryFolder { folder in
      for (precision, isTold) in [("w8a8", true), ("w8", false)] {
        let outcome = try Program.run(
          [
            "segment", "--model", micro, "--image", picture, "--point", "100,100", "--output", "\(folder)/out",
            "--backend", "onednn", "--precision", precision,
          ], with: ["SAM2KIT_MAX_ISA": "portable"])
        #expect(outcome.code == 0)
        #expect(
          outcome.errors.contains("w8a8 is exact here but not faster than f32") == isTold, "\(outcome.errors)")
      }
    }
  }

  @Test func instructionsThatThereAreNotAreRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let outcome = try Program.run(
        ["segment", "--model", micro, "--image", picture, "--point", "100,100", "--output", "\(folder)/out"],
        with: ["SAM2KIT_MAX_ISA": "AVX-2"])
      #expect(outcome.code == 2)
      #expect(
        outcome.errors.contains(
          "SAM2KIT_MAX_ISA: expected amx, avx2, avx512, avx512_bf16, portable, found AVX-2"),
        "\(outcome.errors)")
    }
  }

  #if os(Linux) && arch(x86_64)
    /// Tiles of bfloat16 are eight times as fast as vectors of Float32, AMD's vectors of bfloat16 twice, Intel's not at all.
    @Test func theFastestPrecisionIsSaid() throws {
      let processor = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      let isFast =
        processor.contains(" amx_bf16")
        || processor.contains("AuthenticAMD") && processor.contains(" avx512_bf16")
      try TestFiles.withTemporaryFolder { folder in
        let outcome = try Program.run(
          "segment", "--model", micro, "--image", picture, "--point", "100,100", "--precision", "auto",
          "--output",
          "\(folder)/out")
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("computing in \(isFast ? "bf16" : "f32"), the fastest of onednn"))
      }
    }
  #endif
}
