// A comparison's policy: limits lie in their ranges, and what is read is written and read back the same.
import Foundation
import Taps
@testable import Verification

private let presets = PolicyPresets([.f32])

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  do {
    let policy = try TolerancePolicy(json: Data(input(start, count)), file: "input", presets: presets)
    require(!policy.defaults.limits.isEmpty, "something is bounded")
    for tolerance in [policy.defaults] + policy.rules.map(\.tolerance) {
      for (bound, limit) in tolerance.limits { require(bound.range.contains(limit), "\(bound) may be \(limit)") }
    }
    let id = TapID("image_encoder.trunk.blocks.0/0/output")
    let own = policy.tolerance(for: id)
    require(own.limits.keys.allSatisfy { $0.range.contains(own.limits[$0] ?? 0) }, "an array's limits are some of those")
    require(policy.narrowed(to: "bf16").rules.count <= policy.rules.count, "narrowing adds no rule")
    let again = try TolerancePolicy(json: policy.json(), file: "written", presets: presets)
    require(again == policy, "writing and reading keeps the policy")
  } catch let error as PolicyError {
    guard case .malformed(file: "input", _, _) = error else { fatalError("invariant: what is written is read: \(error)") }
  } catch {
    require(false, "a refusal says where and what: \(error)")
  }
  return 0
}
