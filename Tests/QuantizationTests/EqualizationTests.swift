import Architecture
import Kernels
import OpenBLASBackend
import Prompts
import SAM2
import Taps
import Tensors
import Testing

@testable import Quantization

@Suite struct EqualizationTests {
  /// By hand, from the module tree: norms whose result goes to linear layers as it is, and nowhere else.
  @Test func whichNormsFeedNothingButLayers() throws {
    let model = try Micro().quantized(by: plan(.w8))
    let found = Dictionary(uniqueKeysWithValues: model.normed.map { ($0.norm.name, $0.layers.map(\.name)) })
    let configuration = try Micro.configuration.get()
    let stages = configuration.imageEncoder.trunk.stages
    // Channels change where a stage begins, the first excepted.
    let begins = Set(stages.indices.dropFirst().map { stages[..<$0].reduce(0, +) })
    var expected: [String: [String]] = [:]
    for block in 0..<stages.reduce(0, +) {
      let path = "image_encoder.trunk.blocks.\(block)"
      expected["\(path).norm1"] = ["\(path).attn.qkv"] + (begins.contains(block) ? ["\(path).proj"] : [])
      expected["\(path).norm2"] = ["\(path).mlp.layers.0"]
    }
    for layer in 0..<configuration.memoryAttention.numLayers {
      let path = "memory_attention.layers.\(layer)"
      expected["\(path).norm1"] = ["q_proj", "k_proj", "v_proj"].map { "\(path).self_attn.\($0)" }
      expected["\(path).norm2"] = ["\(path).cross_attn_image.q_proj"]
      expected["\(path).norm3"] = ["\(path).linear1"]
    }
    for layer in 0..<2 {
      let path = "memory_encoder.fuser.layers.\(layer)"
      expected["\(path).norm"] = ["\(path).pwconv1"]
    }
    #expect(found == expected)
  }

  /// By hand: √4 / √1 and √1 / √4, then 4 and 1 over their geometric mean 2; a channel without weights stays as it is.
  @Test func strengthIsSharedByInputsAndWeights() {
    #expect(Equalization.scales(0.5, inputs: [4, 1], weights: [1, 4]) == [2, 0.5])
    #expect(Equalization.scales(1, inputs: [4, 1, 9], weights: [1, 4, 0]) == [2, 0.5, 1])
    #expect(Equalization.scales(0.25, inputs: [16, 1], weights: [1, 16]) == [4, 0.25])
  }

  private static let norm = "image_encoder.trunk.blocks.1.norm1"
  private static let qkv = ModulePath("image_encoder.trunk.blocks.1.attn.qkv")
  private static let proj = ModulePath("image_encoder.trunk.blocks.1.proj")

  /// Vectors of which one channel is 40 times as large as the others.
  private func equalized(_ micro: Micro, _ plan: PrecisionPlan) throws -> EqualizedWeights {
    let equalization = Equalization(try micro.quantized(by: plan), on: try OpenBLASBackend())
    #expect(equalization.wants(Self.qkv) && !equalization.wants(Self.proj))
    let hash = CounterHash(seed: 1, name: "channels")
    let vectors = Tensor(
      [4, 80, 24],
      (0..<4 * 80 * 24).map { index in
        (Float(hash[index] >> 40) / 8_388_608 - 1) * (index % 24 == 7 ? 40 : 1)
      })
    for call in 0..<8 {
      try equalization.write(
        Self.qkv, call: call, sequence: call, at: TapPlace(), inputs: [("input", vectors)], output: vectors)
    }
    return try equalization.equalized(micro)
  }

  @Test func aLoudChannelIsMadeLikeTheOthers() throws {
    let micro = try Micro()
    let found = try equalized(micro, plan(.w8a8))
    let norm = try #require(found.norms.first)
    #expect(found.norms.count == 1 && norm.norm == Self.norm)
    #expect(norm.layers == [Self.qkv.name, Self.proj.name])
    #expect(norm.sqnr > norm.sqnrBefore + 6, "\(norm)")
    let scales = try #require(found.divisors[Self.qkv])
    #expect(found.divisors[Self.proj] == scales)
    #expect(scales[7] > 4 * (scales.enumerated().filter { $0.offset != 7 }.map(\.element).max() ?? .infinity))

    // Column by column and channel by channel, by loops of their own.
    for part in ["weight", "bias"] {
      let (before, after) = (
        try micro.tensor("\(Self.norm).\(part)").elements, try found.tensor("\(Self.norm).\(part)").elements
      )
      for channel in 0..<24 { #expect(after[channel] == before[channel] / scales[channel]) }
    }
    for layer in [Self.qkv, Self.proj] {
      let name = "\(layer.name).weight"
      let (before, after) = (try micro.tensor(name).elements, try found.tensor(name).elements)
      #expect(before.count == after.count && before.count % 24 == 0)
      for index in before.indices { #expect(after[index] == before[index] * scales[index % 24]) }
    }
    let untouched = "image_encoder.trunk.blocks.2.norm1.weight"
    #expect(try found.tensor(untouched).elements == micro.tensor(untouched).elements)
  }

  /// The model computes what it computed, but for roundings.
  @Test func resultsStayWhatTheyWere() throws {
    let (micro, configuration) = (try Micro(), try Micro.configuration.get())
    let side = configuration.imageSize
    let hash = CounterHash(seed: 2, name: "picture")
    let picture = Tensor(
      [3, side, side], (0..<3 * side * side).map { Float(hash[$0 / 16] >> 40) / 8_388_608 - 1 })
    func logits(_ source: any WeightSource) throws -> [Float] {
      let predictor = ImagePredictor(
        try SAM2Base(configuration, weights: source, backend: OpenBLASBackend(), plan: PrecisionPlan()))
      return try predictor.predict(
        [Prompt(points: [.init(x: 40, y: 50)])], in: predictor.embed(picture, width: side, height: side),
        multimask: false
      ).lowResLogits.elements
    }
    let (before, after) = (try logits(micro), try logits(equalized(micro, plan(.w8a8))))
    let largest = before.map(abs).max() ?? 0
    let error = zip(before, after).map { abs($0 - $1) }.max() ?? 1
    #expect(error > 0 && error < 1e-4 * largest, "\(error) of \(largest)")
  }

  /// A layer in floating point that reads the norm too is changed with it.
  @Test func whatStaysFloatIsChangedToo() throws {
    var partial = try plan(.w8a8)
    partial.rules.append(.init(layers: Self.proj.name, precision: .f32))
    let found = try equalized(Micro(), partial)
    #expect(found.divisors[Self.proj] != nil && found.norms.first?.layers.count == 2)
  }

  /// Alike already: nothing is gained, nothing done.
  @Test func nothingIsDoneWhereNothingIsGained() throws {
    let equalization = Equalization(try Micro().quantized(by: plan(.w8)), on: try OpenBLASBackend())
    #expect(try equalization.equalized(Micro()).norms.isEmpty)
    // Never called, and never anything but zeros.
    let zeros = Tensor(repeating: 0, [5, 24])
    try equalization.write(
      Self.qkv, call: 0, sequence: 0, at: TapPlace(), inputs: [("input", zeros)], output: zeros)
    #expect(try equalization.equalized(Micro()).norms.isEmpty)
  }

  /// Ranges are those of what the changed norm would return.
  @Test func rangesAreOfWhatWasEqualized() throws {
    let micro = try Micro()
    let weights = try equalized(micro, plan(.w8a8))
    let scales = try #require(weights.divisors[Self.qkv])
    let model = try QuantizedModel(weights, Micro.configuration.get(), plan: plan(.w8a8))
    let calibration = Calibration(model, equalized: weights, on: try OpenBLASBackend())
    // Before: each channel up to its scale. After: all up to 1.
    let given = Tensor([100, 24], (0..<2400).map { scales[$0 % 24] * Float($0 / 24 + 1) / 100 })
    try calibration.write(
      Self.qkv, call: 0, sequence: 0, at: TapPlace(), inputs: [("input", given)], output: given)
    let range = try #require(try calibration.inputs(of: weights).first?.range)
    #expect(abs(range.number(of: 255) - 1) < 0.02 && range.number(of: 0) == 0)
  }
}
