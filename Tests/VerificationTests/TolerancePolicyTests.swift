import Testing
import Verification

@Suite struct TolerancePolicyTests {
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
    #expect(TolerancePolicy.fp32.tolerance(for: name).relative == (isExcepted ? 0x1p-7 : 1e-4))
  }

  @Test func anExceptionNeverMakesItStricter() {
    #expect(
      TolerancePolicy.fp32.withRelative(0.5).tolerance(for: "memory_attention/3/input/memory").relative == 0.5)
  }

  @Test func withoutExceptionsAllAreAlike() {
    #expect(
      TolerancePolicy(name: "plain", defaults: TolerancePolicy.fp32.defaults).tolerance(
        for: "memory_attention/3/input/memory"
      ).relative == 1e-4)
  }
}
