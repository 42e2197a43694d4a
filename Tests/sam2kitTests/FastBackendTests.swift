// The fast backend as a user meets it: chosen by itself, right with every instruction set, the same at any number of threads.
import Foundation
import OneDNNBackend
import TestSupport
import Testing

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")

/// Runs the program with these variables besides, and fails unless it exits with `code`.
private func output(_ arguments: String..., with variables: [String: String] = [:]) throws -> String {
  let process = Program.process(arguments)
  process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
  let (output, errors) = (Pipe(), FileHandle.nullDevice)
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  #expect(process.terminationStatus == 0, "\(arguments), \(text.suffix(600))")
  return text
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
      let process = Program.process(arguments)
      process.environment = ProcessInfo.processInfo.environment.merging(["SAM2KIT_MAX_ISA": most]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(arguments) with \(most)")
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
        let process = Program.process([
          "segment", "--model", micro, "--image", picture, "--point", "100,100", "--output", "\(folder)/out",
          "--backend", "onednn", "--precision", precision,
        ])
        process.environment = ProcessInfo.processInfo.environment.merging(["SAM2KIT_MAX_ISA": "portable"]) {
          $1
        }
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.contains("w8a8 is exact here but not faster than f32") == isTold, "\(text)")
      }
    }
  }

  @Test func instructionsThatThereAreNotAreRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let process = Program.process(
        ["segment", "--model", micro, "--image", picture, "--point", "100,100", "--output", "\(folder)/out"])
      process.environment = ProcessInfo.processInfo.environment.merging(["SAM2KIT_MAX_ISA": "AVX-2"]) { $1 }
      let errors = Pipe()
      process.standardError = errors
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 2)
      #expect(
        text.contains("SAM2KIT_MAX_ISA: expected amx, avx2, avx512, avx512_bf16, portable, found AVX-2"),
        "\(text)")
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
