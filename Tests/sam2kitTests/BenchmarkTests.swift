// benchmark: what it prints, and what of it other tools read.
import Foundation
import OneDNNBackend
import Reports
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")
private let clip = TestFiles.package("Reference/clips/shapes")

private func report(_ arguments: String...) throws -> BenchmarkReport {
  let outcome = try Program.run(["benchmark", "--model", micro, "--json"] + arguments)
  try #require(outcome.code == 0, "\(outcome.errors)")
  // Nobody watches: what is there to say is the note on the configuration.
  #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.errors.hasPrefix("note: "))
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(BenchmarkReport.self, from: Data(outcome.output.utf8))
}

/// What rounding may make of sums.
private let rounding = 1e-9

@Suite(.serialized) struct BenchmarkTests {
  @Test(.enabled(if: OneDNNBackend.isServed, "oneDNN isn't installed, or the processor is too old for it"))
  func whatWasPreparedIsListed() throws {
    let arguments = ["--backend", "onednn", "--precision", "f32", "--image", picture, "--repeat", "1"]
    let report = try report(
      arguments[0], arguments[1], arguments[2], arguments[3], "--image", picture, "--repeat", "1")
    // Kernels and implementations are named after instruction sets; with AVX2 alone the backend multiplies itself.
    #expect(report.backend.products.isEmpty == (report.backend.kernels == "avx2"))
    #expect(report.backend.products.keys.allSatisfy { $0.contains("avx") })
    func lines(_ more: [String]) throws -> [String] {
      let outcome = try Program.run(["benchmark", "--model", micro] + arguments + more)
      #expect(outcome.code == 0)
      return outcome.output.split(separator: "\n").map(String.init)
    }
    let verbose = try lines(["--verbose"])
    for (name, count) in report.backend.products { #expect(verbose.contains("products   \(count) by \(name)")) }
    for whole in report.backend.wholes { #expect(verbose.contains("as one     \(whole)")) }
    #expect(try !lines([]).contains { $0.hasPrefix("products") || $0.hasPrefix("as one") })
  }

  @Test func aPictureIsTimedStageByStage() throws {
    let report = try report(
      "--backend", "openblas", "--image", picture, "--prompts", "3", "--repeat", "2", "--threads", "1")
    #expect(report.imageEncoderSeconds.count == 2 && report.promptSeconds.count == 2)
    let found = try #require(report.picture)
    #expect(found.path == picture && found.prompts == 3 && found.seconds.count == 2)
    #expect(
      found.stages.map(\.name) == [
        "decode", "prepare", "patch_embedding", "trunk_stage_1", "trunk_stage_2", "trunk_stage_3",
        "trunk_stage_4", "neck", "high_res_projection", "encoder_rest", "prompt_encoder", "mask_decoder",
        "upsample", "run_lengths", "png", "rest",
      ])
    for round in 0..<2 {
      func sum(_ part: String?) -> Double {
        found.stages.filter { part == nil || $0.part == part }.map { $0.seconds[round] }.reduce(0, +)
      }
      #expect(abs(sum(nil) - found.seconds[round]) < rounding)
      #expect(sum("image_encoder") <= report.imageEncoderSeconds[round] + rounding)
      #expect(sum("prompt") <= report.promptSeconds[round] + rounding)
      // The stages are nearly all of it.
      #expect(sum("image_encoder") > 0.5 * report.imageEncoderSeconds[round])
    }
    for stage in found.stages {
      #expect(stage.seconds.count == 2 && stage.leastSeconds == stage.seconds.min())
      // The positions of clicks are sines of sums of two products each.
      let multiplies =
        ["image_encoder", "prompt"].contains(stage.part)
        && !["encoder_rest", "prompt_encoder"].contains(stage.name)
      #expect(multiplies == (stage.operations > 0), "\(stage.name)")
      if multiplies, let rate = stage.operationsPerSecond, let share = stage.shareOfPeak {
        #expect(abs(share * report.peaks.f32.operationsPerSecond / rate - 1) < rounding)
      }
    }
    #expect(report.clip == nil && report.processor.threads == 1)
    #expect(report.backend.name == "openblas" && report.model.precision == "f32")
    #expect(report.peaks.f32.operationsPerSecond > 1e8 && report.peaks.readBytesPerSecond > 1e8)
    // More than the weights, less than the memory that the machine's bandwidth is measured with.
    #expect(report.peakMemoryBytes > 10_000_000 && report.peakMemoryBytes < 1 << 28)
    #expect(report.loadSeconds ?? 0 > 0)
  }

  @Test func aClipIsTimedFrameByFrame() throws {
    let report = try report("--video", clip, "--frames", "9", "--prompts", "2")
    #expect(report.imageEncoderSeconds.isEmpty && report.picture == nil)
    let found = try #require(report.clip)
    #expect(found.objects == 2 && found.frames.map(\.frame) == Array(0..<9))
    #expect(found.frames.map(\.memories) == [0, 1, 2, 3, 4, 5, 6, 7, 7])
    for frame in found.frames {
      #expect(abs(frame.stages.values.reduce(0, +) - frame.seconds) < rounding)
      #expect(frame.stages["decode"] ?? 0 > 0 && frame.stages["png"] ?? 0 > 0)
      #expect((frame.stages["memory_attention"] ?? 0 > 0) == (frame.frame > 0))
    }
    let (filling, full) = (try #require(found.filling), try #require(found.full))
    #expect(filling.count == 6 && full.count == 2)
    #expect(full.seconds == found.frames.suffix(2).map(\.seconds))
    func operations(_ frames: BenchmarkReport.Clip.Frames) -> Double {
      frames.stages.first { $0.name == "memory_attention" }?.operations ?? 0
    }
    #expect(operations(full) > operations(filling))
  }

  @Test func withoutAnythingAPictureIsMadeUpAndAPageIsWritten() throws {
    try TestFiles.withTemporaryFolder { folder in
      let html = "\(folder)/b.html"
      let outcome = try Program.run(
        "benchmark", "--model", micro, "--repeat", "1", "--html", html)
      #expect(outcome.code == 0, "\(outcome.errors)")
      for words in [
        "a picture that was made up, 256 × 256", "trunk_stage_3", "\n\npeak memory ", "GFLOP/s",
      ] {
        #expect(outcome.output.contains(words), "\(words)")
      }
      #expect(!outcome.output.contains("\ndecode "))
      let page = try String(contentsOfFile: html, encoding: .utf8)
      #expect(page.contains("trunk_stage_3") && page.contains("id=\"roofline\""))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["b.html"])
    }
  }

  @Test func whatCannotBeMeantIsRefused() throws {
    for arguments in [
      ["--prompts", "0"], ["--repeat", "0"], ["--frames", "0"], ["--video", clip, "--prompts", "256"],
    ] {
      #expect(try Program.run(["benchmark", "--model", micro] + arguments).code == 64, "\(arguments)")
    }
    let missing = try Program.run("benchmark", "--model", micro, "--image", "nowhere.jpg")
    #expect(missing.code == 2 && missing.output.isEmpty && missing.errors.contains("nowhere.jpg"))
  }
}
