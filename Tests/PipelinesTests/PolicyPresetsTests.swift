// What is near enough for SAM 2.
import Taps
import Testing
import Verification

import Pipelines

@Suite struct PolicyPresetsTests {
  @Test(
    arguments: [
      ("memory_attention/3/input/memory", true), ("memory_attention.layers.2/0/input/memory", true),
      ("memory_attention.layers.0.cross_attn_image/1/input/k", true),
      ("memory_attention.layers.0.cross_attn_image.v_proj/1/output", true),
      ("memory_encoder/0/output/vision_features", false), ("memory_attention/3/output", false),
      ("memory_attention/3/input/memory_pos", false),
      ("memory_attention.layers.0.cross_attn_image/1/input/q", false),
      ("memory_attention.layers.0.self_attn.k_proj/0/output", false), ("prediction/0/0/1/object_score", false),
    ])
  func onlyWhatReadsStoredMemoriesMayDifferByTheirRounding(name: String, isExcepted: Bool) {
    #expect(SAM2Policies.f32.tolerance(for: TapID(name)).relative == (isExcepted ? 0x1p-7 : 1e-4))
  }

  @Test func anObjectScoreNearZeroIsHeldToAnAbsoluteBound() {
    #expect(SAM2Policies.f32.tolerance(for: "prediction/0/0/1/object_score").limits[.absolute] == 1e-3)
    #expect(SAM2Policies.f32.tolerance(for: "prediction/0/0/1/low_res_logits").limits[.absolute] == nil)
  }

  @Test func presetsSurviveJSON() throws {
    #expect(SAM2Policies.presets.names == ["bf16", "f32", "w8a8"])
    for name in SAM2Policies.presets.names {
      let preset = try TolerancePolicy(named: name, presets: SAM2Policies.presets)
      #expect(try TolerancePolicy(json: preset.json(), file: "p", presets: PolicyPresets([])) == preset)
      #expect(preset.name == name && preset.defaults.relative != nil && preset.defaults.zero == .flag)
    }
  }

  @Test func coarserPrecisionsAreGrantedMore() {
    let limits = [SAM2Policies.f32, SAM2Policies.bf16, SAM2Policies.w8a8].compactMap(\.defaults.relative)
    #expect(limits == limits.sorted() && Set(limits).count == 3)
  }
}
