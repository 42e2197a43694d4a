import Architecture
import Checkpoints
import Configurations
import Foundation
import Kernels
import Quantization
import SAM2
import Tensors
import Testing
import TestSupport

/// The embedded model, some of its tensors changed.
struct Micro: WeightSource {
  /// As its YAML has it.
  static let configuration = Result {
    try ModelConfiguration(
      yaml: String(contentsOfFile: TestFiles.package("Weights/sam2.1_micro.yaml"), encoding: .utf8),
      origin: "micro")
  }

  let origin = "micro"
  private let file: Checkpoint
  private let changed: [String: Tensor]

  init(changing name: String? = nil, _ change: (inout [Float]) -> Void = { _ in }) throws {
    file = try Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    guard let name else {
      changed = [:]
      return
    }
    let tensor = try file.tensor(name)
    var elements = tensor.elements
    change(&elements)
    changed = [name: Tensor(tensor.shape, elements)]
  }

  var shapes: [String: Shape] { file.shapes }
  func tensor(_ name: String) throws -> Tensor { try changed[name] ?? file.tensor(name) }

  func quantized(by plan: PrecisionPlan, form: QuantizedModel.Form = .channels) throws -> QuantizedModel {
    try QuantizedModel(self, Self.configuration.get(), plan: plan, form: form)
  }
}

/// The default policy for it.
func plan(_ scheme: Precision) throws -> PrecisionPlan {
  PrecisionPlan(scheme: scheme, for: try Micro.configuration.get())
}

@Suite struct DefaultPolicyTests {
  /// By hand, from the module tree: what is quantized begins and ends like this, and nothing else does.
  private func isQuantized(_ layer: String, _ scheme: Precision) -> Bool {
    let last = layer.split(separator: ".").last.map(String.init) ?? ""
    if layer.hasPrefix("image_encoder.trunk.blocks.") {
      return last == "qkv" || last == "proj" || layer.contains(".mlp.layers.")
    }
    // The finest levels' are one with the decoder's projections, which aren't quantized, but where only weights are.
    if layer.hasPrefix("image_encoder.neck.convs.") {
      return last == "conv" && (scheme != .w8a8 || !["2", "3"].contains(layer.split(separator: ".")[3]))
    }
    if layer.hasPrefix("memory_attention.layers.") {
      return last.hasSuffix("_proj") || ["linear1", "linear2"].contains(last)
    }
    if layer.hasPrefix("sam_mask_decoder.transformer.") {
      return last.hasSuffix("_proj") || layer.contains(".mlp.layers.")
    }
    return layer.hasPrefix("obj_ptr_proj")
      || [
        "memory_encoder.pix_feat_proj", "memory_encoder.out_proj",
        "memory_encoder.fuser.layers.0.pwconv1", "memory_encoder.fuser.layers.0.pwconv2",
        "memory_encoder.fuser.layers.1.pwconv1", "memory_encoder.fuser.layers.1.pwconv2",
      ].contains(layer)
  }

  @Test(arguments: [Precision.w8, .w8a16, .w8a8])
  func quantizesWhatIsWorthIt(scheme: Precision) throws {
    // With some blocks, and whether they attend over all tokens: as the official YAML files say.
    for (configuration, globalBlocks) in [
      (try Micro.configuration.get(), [4: false, 5: true]),
      (Variant.sam21Tiny.configuration, [0: false, 5: true, 6: false, 7: true, 9: true, 10: false]),
      (Variant.sam2Large.configuration, [5: false, 23: true, 33: true, 43: true, 47: false]),
    ] {
      let plan = PrecisionPlan(scheme: scheme, for: configuration)
      let weights = StateDictLayout(configuration).tensors.map(\.name).filter { $0.hasSuffix(".weight") }
      var count = 0
      for name in weights {
        let layer = String(name.dropLast(7))
        let expected = isQuantized(layer, scheme) ? scheme : .f32
        #expect(plan.site(ModulePath(layer)).precision == expected, "\(layer)")
        count += expected == scheme ? 1 : 0
      }
      #expect(count > 60)
      for (block, isGlobal) in globalBlocks {
        let site = plan.site(ModulePath("image_encoder.trunk.blocks.\(block).attn"))
        #expect(site.precision == (isGlobal && scheme == .w8a8 ? .w8a8 : .f32), "block \(block)")
      }
      for name in ["self_attn", "cross_attn_image"] {
        let site = plan.site(ModulePath("memory_attention.layers.0.\(name)"))
        #expect(site.precision == (scheme == .w8a8 ? .w8a8 : .f32))
      }
    }
  }

  @Test func floatingPointIsForAllLayers() throws {
    #expect(try plan(.bf16) == PrecisionPlan(default: .bf16))
  }

  /// 24 and 48 inputs of the micro's first stages aren't whole groups; tiny's 96 are.
  @Test func fourBitsGiveWayToEightWhereRowsAreNoGroups() throws {
    let micro = try plan(.w4)
    #expect(micro.site(ModulePath("image_encoder.trunk.blocks.0.attn.qkv")).precision == .w8)
    #expect(micro.site(ModulePath("image_encoder.trunk.blocks.0.mlp.layers.1")).precision == .w4)
    #expect(micro.site(ModulePath("image_encoder.trunk.blocks.4.attn.qkv")).precision == .w4)
    let tiny = PrecisionPlan(scheme: .w4, for: Variant.sam21Tiny.configuration)
    #expect(!tiny.rules.contains { $0.precision == .w8 })
  }

  @Test func everyRuleHasItsLayers() throws {
    for scheme in [Precision.w8, .w8a8, .w4] { _ = try Micro().quantized(by: plan(scheme)) }
  }
}

@Suite struct QuantizedModelTests {
  private let qkv = "image_encoder.trunk.blocks.4.attn.qkv"

  /// By loops of its own: each channel's largest magnitude is 127 steps, and no number is further off than half a step.
  @Test func everyWeightIsWithinHalfAStep() throws {
    let micro = try Micro()
    let model = try micro.quantized(by: plan(.w8))
    #expect(model.layers.count == model.weights.count)
    for layer in model.layers {
      let name = "\(layer.layer).weight"
      guard case .perChannel(let stored) = model.weights[name] else {
        Issue.record("\(name)")
        continue
      }
      let exact = try micro.tensor(name).elements.map(Double.init)
      let count = exact.count / stored.scales.count
      var (signal, noise) = (0.0, 0.0)
      for (index, value) in exact.enumerated() {
        let step = Double(stored.scales[index / count])
        let error = value - step * Double(stored.values[index])
        signal += value * value
        noise += error * error
        guard abs(error) > step * 0.50001 else { continue }
        Issue.record("\(name) \(index): \(value) became \(stored.values[index]) steps of \(step)")
        break
      }
      #expect(abs(layer.sqnr - 10 * log10(signal / noise)) < 1e-3, "\(name)")
      #expect(layer.sqnr > 35, "\(name): \(layer.sqnr) dB")
    }
  }

  @Test func fourBitsAreGroups() throws {
    let model = try Micro().quantized(by: plan(.w4))
    guard case .grouped(let stored) = model.weights["\(qkv).weight"] else {
      Issue.record("no groups")
      return
    }
    #expect(stored.values.allSatisfy { abs($0) <= 7 } && stored.values.contains { abs($0) == 7 })
    #expect(stored.scales.count * 32 == stored.values.count)
    let sqnr = try #require(model.layers.first { $0.layer == qkv }).sqnr
    #expect((15...30).contains(sqnr), "\(sqnr)")
  }

  @Test func whatIsNotFiniteIsRefusedByChannel() throws {
    let micro = try Micro(changing: "\(qkv).weight") { $0[3 * 96 + 5] = .nan }
    #expect(
      throws: SAM2Error.unquantizable(
        layer: ModulePath(qkv), precision: .w8a8, expected: "finite weights", found: "nan in output channel 3")
    ) { _ = try micro.quantized(by: plan(.w8a8)) }
    // A layer that stays floating point isn't looked at.
    _ = try Micro(changing: "image_encoder.trunk.patch_embed.proj.weight") { $0[0] = .nan }
      .quantized(by: plan(.w8))
  }

  @Test func channelsOfZerosAreCounted() throws {
    let micro = try Micro(changing: "\(qkv).weight") { elements in
      for index in 96..<288 { elements[index] = 0 }
      // Channel 4 is zeros but for its first weight, channel 5 but for its last.
      for index in 4 * 96..<6 * 96 { elements[index] = 0 }
      elements[4 * 96] = 0.5
      elements[6 * 96 - 1] = 0.5
    }
    let model = try micro.quantized(by: plan(.w8))
    #expect(model.layers.filter { $0.zeroChannels > 0 }.map(\.layer) == [qkv])
    #expect(model.layers.first { $0.layer == qkv }?.zeroChannels == 2)
    guard case .perChannel(let stored) = model.weights["\(qkv).weight"] else { return }
    #expect(stored.scales[1] == 1 && stored.scales[2] == 1 && stored.scales[3] != 1)
  }

  @Test func plansThatDoNotFitAreRefused() throws {
    let micro = try Micro()
    func refusal(_ rules: [PrecisionPlan.Rule]) -> String {
      do {
        _ = try micro.quantized(by: PrecisionPlan(rules: rules))
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      refusal([.init(layers: "image_encoder.trunk.blocks.*.attn.qvk", precision: .w8)])
        .contains("fits no layer of this model; near it are image_encoder.trunk.blocks.0.attn.qkv"))
    #expect(
      refusal([.init(layers: "*.norm1", precision: .w8)])
        == "image_encoder.trunk.blocks.0.norm1: the backend quantization computes in f32, bf16, and was asked for w8"
    )
    #expect(
      refusal([.init(layers: "*output_upscaling.0", precision: .w8a8)])
        .hasPrefix("sam_mask_decoder.output_upscaling.0: "))
    #expect(
      refusal([.init(layers: "image_encoder.trunk.blocks.0.attn.qkv", precision: .w4)])
        == "image_encoder.trunk.blocks.0.attn.qkv: expected a multiple of 32 inputs, and a kernel of 1 × 1 to quantize "
        + "to w4, found a weight [72, 24]")
    #expect(
      refusal([.init(layers: "*patch_embed.proj", precision: .w4)]).contains("found a weight [24, 3, 7, 7]"))
    #expect(refusal([]) == "\(QuantizationError.nothingToQuantize)")
    #expect(refusal([.init(layers: qkv, precision: .bf16)]) == "\(QuantizationError.nothingToQuantize)")
  }

  @Test func blocksAreForLinearLayersInWholeRows() throws {
    let micro = try Micro()
    let model = try micro.quantized(by: plan(.w8), form: .blocks)
    let kept = Set(model.layers.filter { $0.kept != nil }.map(\.layer))
    #expect(kept.contains("image_encoder.trunk.blocks.0.attn.qkv"))
    #expect(kept.contains("image_encoder.neck.convs.0.conv"))
    #expect(!kept.contains(qkv))
    #expect(
      Set(model.weights.keys)
        == Set(model.layers.map(\.layer)).subtracting(kept).map { "\($0).weight" }.reduce(into: []) {
          $0.insert($1)
        })
    #expect(throws: QuantizationError.self) { _ = try micro.quantized(by: plan(.w8a8), form: .blocks) }
  }
}

@Suite struct QuantizedLoadingTests {
  private let qkv = ModulePath("image_encoder.trunk.blocks.4.attn.qkv")

  /// Keeps the linear layers that it is given.
  private final class Keeping: Backend, @unchecked Sendable {
    let name = "keeping"
    let version = "0"
    var linears: [ModulePath: LinearLayer] = [:]

    struct Idle: Kernel, AttentionKernel {
      func callAsFunction(_ input: consuming Tensor) -> Tensor { input }
      func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor { q }
      func callAsFunction(packed qkv: Tensor) -> Tensor { qkv }
    }

    func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
      linears[layer.site.path] = layer
      return Idle()
    }
    func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> { Idle() }
    func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> { Idle() }
    func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { Idle() }
    func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { Idle() }
    func attention(_ site: Site) throws -> any AttentionKernel { Idle() }
    func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { a }
  }

  private func layer(_ source: any WeightSource, _ precision: Precision) throws -> LinearLayer {
    let backend = Keeping()
    let plan = PrecisionPlan(rules: [.init(layers: qkv.name, precision: precision)])
    _ = try SAM2Base(Micro.configuration.get(), weights: source, backend: backend, plan: plan)
    return try #require(backend.linears[qkv])
  }

  /// A file's whole numbers reach the layer as they are, or else are made on the spot; its weight is what they stand for.
  @Test(arguments: [Precision.w8, .w8a16, .w8a8])
  func aLayerHasTheWholeNumbersOfItsFile(precision: Precision) throws {
    try TestFiles.withTemporaryFolder { folder in
      let micro = try Micro()
      let onTheSpot = try layer(micro, precision)
      let made = try #require(onTheSpot.quantized)
      #expect(onTheSpot.weight.elements == made.weight.elements)
      #expect(made.values == QuantizedWeight(quantizing: try micro.tensor("\(qkv).weight")).values)
      // Others than would be made, also of what these stand for: none reaches 127.
      let other = QuantizedWeight(
        shape: made.shape, values: made.values.map { -$0 / 2 }, scales: made.scales.map { 2 * $0 })
      let path = "\(folder)/q.safetensors"
      try WholeNumberOutput.write(
        micro.shapes.keys.map { name in
          (name, name == "\(qkv).weight" ? .whole(.perChannel(other)) : .plain(try micro.tensor(name)))
        }, metadata: [:], to: path, as: .safetensors)
      let file = try Checkpoint.open(path: path)
      let loaded = try layer(file, precision)
      #expect(loaded.quantized?.values == other.values && loaded.quantized?.scales == other.scales)
      #expect(loaded.weight.elements == other.weight.elements)
      // In floating point the same numbers without more.
      let float = try layer(file, .f32)
      #expect(float.quantized == nil && float.weight.elements == loaded.weight.elements)
    }
  }

  @Test func groupsAreFloatsOfFourBits() throws {
    let micro = try Micro()
    let found = try layer(micro, .w4)
    let expected = GroupedWeight(quantizing: try micro.tensor("\(qkv).weight"), as: .fourBits)
    #expect(found.quantized == nil && found.weight.elements == expected.weight.elements)
    #expect(found.weight.elements != (try micro.tensor("\(qkv).weight")).elements)
  }
}
