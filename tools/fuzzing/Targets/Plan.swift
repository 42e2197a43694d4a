// A precision plan: what is read is written and read back the same, and says of every layer what its last rule does.
import Kernels
@testable import SAM2
import Taps
import Tensors

private let names = ["image_encoder.trunk.blocks.0.attn.qkv", "memory_attention.layers.1.linear1", "sam_mask_decoder"]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: input(start, count), as: UTF8.self)
  guard let plan = try? PrecisionPlan(json: text, origin: "input") else { return 0 }
  do {
    let again = try PrecisionPlan(json: plan.json, origin: "written")
    require(again == plan && again.json == plan.json, "writing and reading keeps the plan")
  } catch {
    require(false, "what is written is read: \(error)")
  }
  let sites = names.map { plan.site(ModulePath($0)) }
  for (name, site) in zip(names, sites) {
    let rule = plan.rules.last { TapPattern($0.layers).matches(name) }
    require(site.precision == rule?.precision ?? plan.default, "the last rule holds for \(name)")
  }
  _ = try? plan.check(against: sites)
  for rule in plan.rules { require(PrecisionPlan.nearest(to: rule.layers, of: names).count <= 3, "few names are proposed") }
  return 0
}
