import Foundation
import Media
import Prompts
import Testing
import TestSupport
import Traces

@Test func aTracedTrackAgreesWithPyTorchs() throws {
  try TestFiles.withTemporaryFolder { folder in
    let trace = "\(folder)/refined.h5"
    // The recordings are made without filling holes. They hold object 2's calls on frame 6.
    let run = try Clip.track(
      "--prompts", Clip.prompts("refined"), "--set", "fill_hole_area=0", "--trace", trace, "--tap-frame", "6",
      "--tap-object", "2", into: "\(folder)/out")
    #expect(run.code == 0, "\(run.errors)")
    // Memories are kept as bfloat16: a value between two of them may go either way.
    let compared = try Program.run(
      "compare", TestFiles.package("Reference/video/refined.h5"), trace, "--tolerance", "5e-3", "--brief")
    #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
    #expect(compared.errors.isEmpty, "\(compared.errors)")
    let clicks = TestFiles.package("Reference/video/clicks.h5")
    let refused = try Program.run("compare", clicks, trace, "--brief")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("prompts"))
    #expect(try Program.run("compare", clicks, trace, "--brief", "--force").code == 1)
  }
}

@Test func tapFiltersRecordWhatTheySay() throws {
  try TestFiles.withTemporaryFolder { folder in
    let prompts = ["--point", "44,84", "--box", "2:38,18,86,58", "--frame", "20"]
    func record(_ name: String, _ filter: String...) throws -> [String] {
      let trace = "\(folder)/\(name).h5"
      let run = try Clip.track(prompts + ["--trace", trace] + filter, into: "\(folder)/out")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.isEmpty, "\(run.errors)")
      return try TraceReader(path: trace).taps.filter { $0.module != nil }.map(\.name)
    }
    func outputs(_ taps: [String], _ module: String) -> Int {
      taps.filter { $0.hasPrefix("\(module)/") && $0.hasSuffix("/output") }.count
    }
    // Frames 21 to 23 attend to memory, for two objects each; frame 20 is prompted.
    let all = try record("all", "--tap", "memory_attention", "--tap", "memory_attention.layers.0.norm1")
    #expect(outputs(all, "memory_attention.layers.0.norm1") == 6)
    let one = try record("one", "--tap", "memory_attention.layers.0.norm1", "--tap-object", "2")
    #expect(outputs(one, "memory_attention.layers.0.norm1") == 3)
    #expect(outputs(one, "memory_attention") == 0)
    let two = try record(
      "two", "--tap", "memory_attention.layers.0.norm1", "--tap-frame", "22", "--tap-frame", "23")
    #expect(outputs(two, "memory_attention.layers.0.norm1") == 4)
    // The image encoder works for no object, once a frame.
    let encoder = try record("encoder", "--tap", "image_encoder.neck.convs.0.conv", "--tap-object", "1")
    #expect(outputs(encoder, "image_encoder.neck.convs.0.conv") == 4)
  }
}

@Test func aTraceSaysWhatWasSetAndAsked() throws {
  try TestFiles.withTemporaryFolder { folder in
    let trace = "\(folder)/t.h5"
    let run = try Clip.track(
      "--point", "44,84", "--frame", "22", "--set", "fill_hole_area=3", "--set", "model.num_maskmem=2", "--set",
      "sam_mask_decoder_extra_args.dynamic_multimask_via_stability=false", "--trace", trace, "--tap",
      "memory_encoder.fuser", into: folder)
    // With two memories the weights' temporal encodings are too many.
    #expect(run.code == 2)
    #expect(run.errors.contains("maskmem_tpos_enc"), "\(run.errors)")
    let fitting = try Clip.track(
      "--point", "44,84", "--frame", "22", "--set", "model.fill_hole_area=3", "--set",
      "sam_mask_decoder_extra_args.dynamic_multimask_via_stability=false", "--trace", trace, "--tap",
      "memory_encoder.fuser", into: folder)
    #expect(fitting.code == 0, "\(fitting.errors)")
    let provenance = try TraceReader(path: trace).provenance
    #expect(provenance.configuration.contains(#""fill_hole_area":3"#))
    #expect(provenance.configuration.contains(#""dynamic_multimask_via_stability":false"#))
    #expect(provenance.input.kind == "video" && provenance.input.frames == Clip.frameCount)
    #expect(provenance.prompts.objects.map(\.frame) == [22])
  }
}

@Test(arguments: [
  ("fill_hole_areas=0", "--set: `fill_hole_areas` is no option of SAM 2"),
  ("memory_attention.layer.x=1", "--set: `memory_attention.layer.x` is no option of SAM 2"),
  ("fill_hole_area=many", "--set: `fill_hole_area` should be a whole number"),
  ("fill_hole_area=", "--set: `fill_hole_area` should be a value, found nothing"),
  ("fill_hole_area=[", "--set: expected a YAML configuration"),
  ("fill_hole_area.x=1", "--set: `fill_hole_area` should be a whole number"),
])
func settingsThatCanNotBeMeantEndWith2(setting: String, message: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Clip.track("--point", "44,84", "--set", setting, into: folder)
    #expect(run.code == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
  }
}
