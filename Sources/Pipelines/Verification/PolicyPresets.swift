public import Verification

/// What is near enough for SAM 2, by the names that `--policy` knows: what of a policy is about the model's own modules.
public enum SAM2Policies {
  /// All of them.
  public static let presets = PolicyPresets([f32, bf16, w8a8])

  /// Float32 against Float32.
  public static let f32 = TolerancePolicy(
    name: "f32", defaults: TolerancePolicy.f32.defaults, rules: storedMemories + [objectScores])

  /// SAM 2 stores memories as bfloat16. Where a float32 lies halfway between two of them, an error in its last bit
  /// decides, and single elements of what reads a memory differ by one rounding, 2⁻⁷ of their magnitude at most. What
  /// was stored is compared strictly where the memory encoder returns it.
  private static let storedMemories = [
    "memory_attention/*/input/memory", "memory_attention.layers.*/input/memory",
    "memory_attention.layers.*.cross_attn_image/*/input/[kv]",
    "memory_attention.layers.*.cross_attn_image.[kv]_proj/*",
  ].map {
    ToleranceRule(
      taps: $0, reason: "reads memories, which are stored as bfloat16", Tolerance(limits: [.relative: 0x1p-7]))
  }

  /// An object score is a single logit, whose size says nothing of the numbers it was computed from: near zero, where the
  /// object is about to go, it is held to an absolute bound, 1e-4 of the 10 that trained models' scores reach and pass.
  private static let objectScores = ToleranceRule(
    taps: "prediction/*object_score", reason: "a single logit, which may lie near zero",
    Tolerance(limits: [.absolute: 1e-3]))

  /// bfloat16 arithmetic against Float32; `tools/measure_precisions.py` measures what is usual.
  public static let bf16 = TolerancePolicy(
    name: "bf16",
    defaults: Tolerance(
      limits: [.relative: 0.25, .cosine: 0.995, .sqnrDecibels: 20], zero: .flag, nonFinite: .flag),
    rules: [masks(iou: 0.95)])

  /// Weights and activations in 8 bits against Float32; measured likewise.
  public static let w8a8 = TolerancePolicy(
    name: "w8a8",
    defaults: Tolerance(
      limits: [.relative: 0.35, .cosine: 0.97, .sqnrDecibels: 12], zero: .flag, nonFinite: .flag),
    rules: [masks(iou: 0.9)])

  private static func masks(iou: Double) -> ToleranceRule {
    ToleranceRule(
      taps: "prediction/*low_res_logits", reason: "masks are what is used", Tolerance(limits: [.maskIoU: iou]))
  }
}
