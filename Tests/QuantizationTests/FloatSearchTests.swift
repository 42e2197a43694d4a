import Foundation
import Kernels
import SAM2
import Tensors
import Testing

@testable import Quantization

/// What each module costs; what several cost is the sum.
private let costs = ["a": 0.5, "b": 0.05, "c": 0.4, "d": 0.02, "e": 0.01]
private let ranked = ["a", "b", "c", "d", "e"]

private func sum(_ floats: Set<String>) -> MaskLoss {
  let lost = costs.filter { !floats.contains($0.key) }.values.sorted().reduce(0, +)
  return MaskLoss(meanIoU: lost, jAndF: -1)
}

private struct Cut: Error {}

@Suite struct FloatSearchTests {
  /// By hand: 0.98, 0.48 without a, 0.43 without b, 0.03 without c: enough. Then c again: 0.43, known; b again: 0.08, stays;
  /// a again: 0.58.
  @Test func theFewestModulesAreKept() throws {
    var asked: [Set<String>] = []
    var saved: [Int] = []
    let found = try FloatSearch(ranked, limit: 0.1).run { floats in
      asked.append(floats)
      return sum(floats)
    } save: {
      saved.append($0.count)
    }
    #expect(asked == [[], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "c"], ["c"]])
    #expect(saved == [1, 2, 3, 4, 5, 6])
    #expect(found.floats == ["a", "c"] && abs(found.loss.worst - 0.08) < 1e-12)
    #expect(found.limit == 0.1 && found.evaluations.map { Set($0.floats) } == asked)
  }

  @Test func aLossThatIsAllowedFreesNothing() throws {
    let found = try FloatSearch(ranked, limit: 0.98).run { sum($0) }
    #expect(found.floats.isEmpty && found.evaluations.count == 1)
  }

  /// Both figures count, and a gain of the one makes up for no loss of the other.
  @Test func eachFigureIsLimited() throws {
    let found = try FloatSearch(["pictures", "clips", "none"], limit: 0.1).run { floats in
      MaskLoss(
        meanIoU: floats.contains("pictures") ? -3 : 0.2, jAndF: floats.contains("clips") ? -3 : 0.2)
    }
    #expect(found.floats == ["pictures", "clips"])
  }

  /// Losses that don't add up: b does no harm unless a is quantized as well. Freeing a is then enough.
  @Test func whatIsFreedForNothingIsQuantizedAgain() throws {
    let found = try FloatSearch(["b", "a", "c"], limit: 0).run { floats in
      MaskLoss(meanIoU: floats.contains("a") ? 0 : 1, jAndF: nil)
    }
    #expect(found.floats == ["a"])
    #expect(found.evaluations.map(\.floats) == [[], ["b"], ["a", "b"], ["a"]])
  }

  /// All are freed, and one of the first comes back.
  @Test func oneModuleMayBeLeft() throws {
    let found = try FloatSearch(["a", "b", "c"], limit: 0.1).run { floats in
      MaskLoss(meanIoU: floats == ["b", "c"] ? 0.05 : 1, jAndF: nil)
    }
    #expect(found.floats == ["b", "c"])
  }

  @Test func whatCannotBeReachedIsRefused() throws {
    #expect(throws: UnreachableLoss(limit: 0.1, least: 0.3)) {
      _ = try FloatSearch(["a", "b"], limit: 0.1).run { MaskLoss(meanIoU: $0 == ["b"] ? 0.3 : 1, jAndF: nil) }
    }
    // What is not a number is not within the limit.
    #expect(throws: UnreachableLoss.self) {
      _ = try FloatSearch(["a", "b"], limit: 0.1).run { _ in MaskLoss(meanIoU: 0, jAndF: .nan) }
    }
  }

  /// Killed after any evaluation, it goes on to the same result, and no evaluation is made twice.
  @Test(arguments: 0..<6) func aSearchGoesOn(cut: Int) throws {
    let whole = try FloatSearch(ranked, limit: 0.1).run { sum($0) }
    var saved: [FloatSearch.Evaluation] = []
    var made = 0
    #expect(throws: Cut.self) {
      _ = try FloatSearch(ranked, limit: 0.1).run { floats in
        if made == cut { throw Cut() }
        made += 1
        return sum(floats)
      } save: {
        saved = $0
      }
    }
    #expect(saved.count == cut)
    // As a file has them.
    let known = try JSONDecoder().decode([FloatSearch.Evaluation].self, from: JSONEncoder().encode(saved))
    let found = try FloatSearch(ranked, limit: 0.1).run(knowing: known) { floats in
      made += 1
      return sum(floats)
    } save: {
      saved = $0
    }
    #expect(found.floats == whole.floats && found.loss == whole.loss)
    #expect(found.evaluations == whole.evaluations)
    #expect(made == 6 && saved.count == 6)
  }
}

@Suite struct QuantizedModuleTests {
  @Test(arguments: [
    ("image_encoder.trunk.blocks.11.attn.qkv", "image_encoder.trunk.blocks.11"),
    ("image_encoder.trunk.patch_embed.proj", "image_encoder.trunk.patch_embed"),
    ("image_encoder.neck.convs.3.conv", "image_encoder.neck"),
    ("memory_attention.layers.0.self_attn.q_proj", "memory_attention.layers.0"),
    ("memory_encoder.fuser.layers.1.pwconv1", "memory_encoder"),
    ("sam_mask_decoder.transformer.layers.1.mlp.layers.0", "sam_mask_decoder.transformer.layers.1"),
    (
      "sam_mask_decoder.transformer.final_attn_token_to_image.q_proj",
      "sam_mask_decoder.transformer.final_attn_token_to_image"
    ),
    ("sam_mask_decoder.output_upscaling.0", "sam_mask_decoder.output_upscaling"),
    ("obj_ptr_proj.layers.2", "obj_ptr_proj"), ("obj_ptr_proj", "obj_ptr_proj"),
  ]) func layersHaveTheirModules(layer: String, module: String) {
    #expect(QuantizedModule.name(of: layer) == module)
  }

  /// Every quantized layer is in one group, in floating point where that is kept, and as before elsewhere.
  @Test func whatIsKeptIsInFloatAndNothingElse() throws {
    let model = try Micro().quantized(by: plan(.w8a8))
    let groups = QuantizedModule.groups(of: model.layers)
    #expect(groups.count == 9 + 1 + 2 + 1 + 2 + 1 + 1)
    #expect(groups.flatMap(\.layers).sorted() == model.layers.map(\.layer).sorted())
    let tracking = groups.filter(\.isOfTrackingAlone).map(\.name).sorted()
    #expect(
      tracking == ["memory_attention.layers.0", "memory_attention.layers.1", "memory_encoder", "obj_ptr_proj"])

    var before = try plan(.w8a8)
    for layer in model.layers { before.inputs[layer.layer] = QuantizedRange(scale: 1, zeroPoint: 0) }
    let sites =
      model.layers.map { before.site(ModulePath($0.layer)) } + [
        before.site(ModulePath("image_encoder.trunk.blocks.1.attn"))
      ]
    let kept = groups.filter { ["image_encoder.trunk.blocks.1", "obj_ptr_proj"].contains($0.name) }
    let after = before.keeping(kept, of: sites)
    #expect(
      after.rules.suffix(2).map(\.layers) == ["image_encoder.trunk.blocks.1.*", "obj_ptr_proj.*"])
    let layers = Set(kept.flatMap(\.layers))
    for layer in model.layers.map(\.layer) {
      let site = after.site(ModulePath(layer))
      #expect(site.precision == (layers.contains(layer) ? .f32 : .w8a8), "\(layer)")
      #expect((site.input == nil) == layers.contains(layer), "\(layer)")
    }
  }

  /// A rule for a whole module would take bfloat16 from its attention.
  @Test func whatElseIsInAModuleStaysAsItIs() throws {
    let module = QuantizedModule(name: "m", layers: ["m.a", "m.b"])
    var plan = PrecisionPlan(default: .bf16, rules: [.init(layers: "m.*", precision: .w8)])
    let sites = ["m.a", "m.b", "m.c", "n"].map { plan.site(ModulePath($0)) }
    let other = plan.keeping([module], of: sites)
    #expect(other.rules.dropFirst().map(\.layers) == ["m.a", "m.b"])
    #expect(other.site(ModulePath("m.a")).precision == .bf16 && other.site(ModulePath("m.c")).precision == .w8)
    plan.default = .w8a8
    #expect(plan.keeping([module], of: sites).site(ModulePath("m.b")).precision == .f32)
    // Attention in 8 bits is kept with the module's layers, though it has no weights.
    plan = PrecisionPlan(default: .bf16, rules: [.init(layers: "m.*", precision: .w8a8)])
    let attending = ["m.a", "m.b", "m.attn"].map { plan.site(ModulePath($0)) }
    #expect(plan.keeping([module], of: attending).rules.last == .init(layers: "m.*", precision: .bf16))
    let beside = attending + [Site(ModulePath("m.c"), precision: .f32)]
    #expect(plan.keeping([module], of: beside).rules.dropFirst().map(\.layers) == ["m.a", "m.b", "m.attn"])
    plan = PrecisionPlan(default: .w8a8)
    // A module that is a layer.
    let layer = QuantizedModule(name: "m.a", layers: ["m.a"])
    #expect(plan.keeping([layer], of: sites).rules.last?.layers == "m.a")
  }
}

@Suite struct ModuleSensitivityTests {
  private func module(
    _ name: String, both: Double?, expected: Double? = nil, loss: MaskLoss? = nil
  ) -> ModuleSensitivity {
    ModuleSensitivity(
      module: name, layers: [], weights: 0, expected: SQNRByRounding(both: expected),
      isolated: SQNRByRounding(both: both), accumulated: nil, loss: loss)
  }

  @Test func theLeastExactComesFirst() {
    let modules = [
      module("exact", both: .infinity), module("30", both: 30), module("unseen", both: nil),
      module("20", both: 20), module("never called", both: nil, expected: 25), module("30 too", both: 30),
    ]
    #expect(
      ModuleSensitivity.ranked(modules).map(\.module)
        == ["20", "never called", "30", "30 too", "exact", "unseen"])
  }

  @Test func whatMasksLoseComesBeforeAllElse() {
    let modules = [
      module("a", both: 10, loss: MaskLoss(meanIoU: 0.1, jAndF: -5)),
      module("b", both: 20, loss: MaskLoss(meanIoU: -1, jAndF: 0.2)),
      module("c", both: 30, loss: MaskLoss(meanIoU: 0, jAndF: nil)),
    ]
    #expect(ModuleSensitivity.ranked(modules).map(\.module) == ["b", "a", "c"])
    // Where it isn't known of all it can't order them.
    #expect(
      ModuleSensitivity.ranked(modules + [module("d", both: 5)]).map(\.module) == ["d", "a", "b", "c"])
  }
}
