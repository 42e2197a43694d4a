// Every number of the presets, as tools/measure_precisions.py's figures were rounded: a slip in one would let a port pass
// that is wrong, and nobody would see.
import Pipelines
import Taps
import Tensors
import Testing
import Verification

private func limits(_ policy: TolerancePolicy) -> [String: [Bound: Double]] {
  var found = ["": policy.defaults.limits]
  for rule in policy.rules { found[rule.taps] = rule.tolerance.limits }
  return found
}

@Suite struct PresetNumbersTests {
  @Test func coarsePresetsBoundMasksToo() {
    #expect(
      limits(SAM2Policies.bf16) == [
        "": [.relative: 0.25, .cosine: 0.995, .sqnrDecibels: 20],
        "prediction/*low_res_logits": [.maskIoU: 0.95],
      ])
    #expect(
      limits(SAM2Policies.w8a8) == [
        "": [.relative: 0.35, .cosine: 0.97, .sqnrDecibels: 12], "prediction/*low_res_logits": [.maskIoU: 0.9],
      ])
    #expect(limits(SAM2Policies.f32)[""] == [.relative: 1e-4])
    for policy in [SAM2Policies.f32, SAM2Policies.bf16, SAM2Policies.w8a8] {
      #expect(policy.defaults.zero == .flag && policy.defaults.nonFinite == .flag, "\(policy.name)")
    }
  }

  /// 900 of 1000 pixels shared is 0.9 and passes, 899 isn't; of bf16 950 and 949. Errors are otherwise within all bounds.
  @Test(arguments: [("w8a8", 900), ("bf16", 950)]) func aMaskPassesAtItsBoundAndNotPastIt(
    name: String, shared: Int
  ) throws {
    let policy = try TolerancePolicy(named: name, presets: SAM2Policies.presets)
    func passes(_ shared: Int) throws -> Bool {
      // Far from zero, so that lost pixels, which are near it, are small errors.
      let reference = Tensor([1, 10, 100], (0..<1000).map { $0 < shared ? 10 : 0.01 })
      let candidate = Tensor([1, 10, 100], (0..<1000).map { $0 < shared ? 10 : -0.01 })
      let metrics = try ErrorMetrics(reference, candidate, isMask: true)
      #expect(metrics.masks?.iou == Double(shared) / 1000)
      return policy.tolerance(for: "prediction/low_res_logits").breaches(metrics).isEmpty
    }
    #expect(try passes(shared))
    #expect(try !passes(shared - 1))
  }
}
