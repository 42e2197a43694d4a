// Modules that run as one with layers in whole numbers, against their composition in double precision between steps of 8 bits.
import Kernels
import OneDNNBackend
import Tensors
import Testing
import TestSupport

/// Layers of several precisions, each with a range that fits what it is given.
private struct ByteMaker {
  /// What stands in place of `.w8a8` for some layers, by what they are called.
  var others: [String: Precision] = [:]
  /// Layers whose input's range isn't known.
  var unknown: Set<String> = []
  private var make = LayerMaker(Setting(backend: BackendUnderTest.all[1], precision: .f32, tolerance: 0))

  init(others: [String: Precision] = [:], unknown: Set<String> = []) {
    (self.others, self.unknown) = (others, unknown)
  }

  mutating func numbers(_ shape: Shape) -> Tensor { make.numbers(shape) }
  mutating func norm(_ channels: Int) -> NormLayer { make.norm(channels) }
  mutating func convolution(_ shape: Shape, padding: Int, groups: Int) -> ConvolutionLayer {
    make.convolution(shape, padding: padding, groups: groups)
  }

  /// - Parameter range: of what it is given.
  mutating func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ range: ClosedRange<Float>)
    -> LinearLayer
  {
    let plain = make.linear(inputs, outputs)
    let precision = others[name] ?? .w8a8
    let step = (range.upperBound - range.lowerBound) / 255
    let site = Site(
      ModulePath(name), precision: precision,
      input: unknown.contains(name)
        ? nil : QuantizedRange(scale: step, zeroPoint: UInt8((-range.lowerBound / step).rounded())))
    guard precision == .w8a8 else { return LinearLayer(site, weight: plain.weight, bias: plain.bias) }
    let quantized = QuantizedWeight(quantizing: plain.weight)
    return LinearLayer(site, weight: quantized.weight, bias: plain.bias, quantized: quantized)
  }

  mutating func mlp(_ widths: [Int], _ activation: Activation) -> FeedForward {
    FeedForward(
      [
        linear("mlp.0", widths[0], widths[1], -3.5...4), linear("mlp.1", widths[1], widths[2], -0.2...3.5),
      ], activation)
  }

  mutating func attention(_ name: String, _ dim: Int, keys: Int, inner: Int, _ precision: Precision)
    -> AttentionLayers
  {
    let (q, k) = (linear("\(name).q", dim, inner, -4.5...4), linear("\(name).k", keys, inner, -4...4.5))
    let (v, out) = (linear("\(name).v", keys, inner, -4...4), linear("\(name).out", inner, dim, -3...3))
    return AttentionLayers(
      q: q, k: k, v: v, out: out, heads: 1, site: Site(ModulePath(name), precision: precision))
  }
}

@Suite struct WholesOfBytesTests {
  private let backend: any Backend

  init() throws { backend = try OneDNNBackend() }

  /// The largest error, in what the largest result is. A byte on the other side of a half is up to 8e-3 of it.
  private func worst(_ found: Tensor, _ expected: [Double]) -> Double {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(found.count == expected.count && largest > 0)
    return zip(found.elements, expected).map { abs(Double($0) - $1) }.max().map { $0 / largest } ?? .infinity
  }

  struct Block: Sendable, CustomTestStringConvertible {
    var dims = (24, 24)
    var window = 0
    var pool: Int?
    var tokens = (9, 7)
    var others: [String: Precision] = [:]
    var attention = Precision.f32

    var testDescription: String { "\(self)" }
  }

  /// All layers in bytes and some; windows beyond the picture, whose tokens must be exactly zero; channels that change.
  @Test(arguments: [
    Block(), Block(window: 4), Block(window: 4, attention: .bf16), Block(dims: (24, 40), window: 4, pool: 2),
    Block(dims: (70, 96), window: 3, tokens: (4, 8)),
    Block(window: 4, others: ["qkv": .f32]), Block(window: 4, others: ["proj": .bf16, "mlp.1": .f32]),
    Block(others: ["mlp.0": .f32]), Block(window: 5, others: ["mlp.0": .bf16, "qkv": .bf16], attention: .bf16),
    Block(dims: (24, 40), window: 4, pool: 2, others: ["shortcut": .f32]),
    Block(dims: (24, 40), window: 4, pool: 2, others: ["qkv": .bf16, "proj": .f32]),
    // More queries than a tile has, and keys of several scales.
    Block(attention: .w8a8), Block(tokens: (17, 23), others: ["proj": .f32], attention: .w8a8),
    Block(dims: (70, 70), others: ["qkv": .bf16], attention: .w8a8),
  ]) func blocksOfHieraAreTheirParts(example: Block) throws {
    var make = ByteMaker(others: example.others)
    let (dim, out) = example.dims
    let shortcut = dim == out ? nil : make.linear("shortcut", dim, out, -3.5...4)
    let block = HieraBlock(
      norm1: make.norm(dim), qkv: make.linear("qkv", dim, 3 * out, -3.5...4),
      proj: make.linear("proj", out, out, -3...3), heads: 2, window: example.window, pool: example.pool,
      shortcut: shortcut, norm2: make.norm(out), mlp: make.mlp([out, 4 * out, out], .gelu),
      attention: Site(ModulePath("attn"), precision: example.attention))
    let x = make.numbers([2, example.tokens.0, example.tokens.1, dim])
    let expected = (0..<2).map { block(Pixels(x.permuted(0, 3, 1, 2), entry: $0)) }
    let whole = try #require(try backend.whole(block))
    let isRounded = example.attention != .f32 || example.others.values.contains(.bf16)
    #expect(worst(whole(x), expected.flatMap { $0.rows.flatMap { $0 } }) < (isRounded ? 2e-2 : 2e-3))
  }

  struct Memory: Sendable, CustomTestStringConvertible {
    var adds = (false, false, true)
    var activation = Activation.relu
    var others: [String: Precision] = [:]
    var attention = Precision.f32

    var testDescription: String { "\(self)" }
  }

  /// Where values aren't quantized themselves: they are summed before.
  @Test(arguments: [
    Memory(others: ["cross.v": .f32]), Memory(others: ["cross.v": .f32], attention: .bf16),
    Memory(adds: (true, true, true), activation: .gelu, others: ["cross.v": .f32]),
    Memory(others: ["cross.v": .f32, "cross.out": .f32, "own.v": .f32, "mlp.0": .bf16]),
    Memory(adds: (true, false, false), others: ["cross.v": .f32, "own.k": .f32, "cross.k": .bf16]), Memory(),
    Memory(attention: .w8a8), Memory(adds: (true, true, true), others: ["cross.v": .f32], attention: .w8a8),
  ]) func memoryLayersAreTheirParts(example: Memory) throws {
    var make = ByteMaker(others: example.others)
    let (dim, memDim, tokens) = (40, 24, 33)
    let own = make.attention("own", dim, keys: dim, inner: dim, example.attention)
    let cross = make.attention("cross", dim, keys: memDim, inner: dim, example.attention)
    let layer = MemoryLayer(
      norm1: make.norm(dim), selfAttention: own, norm2: make.norm(dim), crossAttention: cross,
      norm3: make.norm(dim), mlp: make.mlp([dim, 80, dim], example.activation),
      adds: .init(selfAttention: example.adds.0, queries: example.adds.1, keys: example.adds.2),
      selfTurns: { noise([$0, dim], seed: 1) }, crossTurns: { noise([$0, dim], seed: 2) })
    let remembered = 2 * tokens + 5
    let input = MemoryLayer.Input(
      tgt: make.numbers([2, tokens, dim]), memory: make.numbers([2, remembered, memDim]),
      pos: make.numbers([2, remembered, memDim]), queryPos: make.numbers([2, tokens, dim]), pointerTokens: 5)
    let expected = (0..<2).flatMap { layer(input, entry: $0).flatMap { $0 } }
    let whole = try #require(try backend.whole(layer))
    let isRounded =
      example.attention != .f32 || example.others.values.contains(.bf16) || example.others["cross.v"] == nil
    #expect(worst(whole(input), expected) < (isRounded ? 2e-2 : 2e-3))
  }

  struct Mixing: Sendable, CustomTestStringConvertible {
    var dim = 40
    var hasGamma = true
    var size = (5, 9)
    var others: [String: Precision] = [:]

    var testDescription: String { "\(self)" }
  }

  /// γ of both signs is part of the last layer, whatever it is in.
  @Test(arguments: [
    Mixing(), Mixing(hasGamma: false), Mixing(dim: 70, size: (23, 25)), Mixing(others: ["mlp.0": .f32]),
    Mixing(others: ["mlp.1": .bf16]), Mixing(others: ["mlp.0": .bf16, "mlp.1": .f32]),
  ]) func blocksOfConvNeXtAreTheirParts(example: Mixing) throws {
    var make = ByteMaker(others: example.others)
    let dim = example.dim
    let block = ConvNeXtBlock(
      depthwise: make.convolution([dim, 1, 7, 7], padding: 3, groups: dim), norm: make.norm(dim),
      mlp: make.mlp([dim, 4 * dim, dim], .gelu), gamma: example.hasGamma ? make.numbers([dim]) : nil)
    let x = make.numbers([2, dim, example.size.0, example.size.1])
    let expected = (0..<2).flatMap { block(Pixels(x, entry: $0)).elements }
    let whole = try #require(try backend.whole(block))
    let isRounded = example.others.values.contains(.bf16)
    #expect(worst(whole(x), expected) < (isRounded ? 2e-2 : 2e-3))
    var unknown = ByteMaker(unknown: ["mlp.1"])
    let other = ConvNeXtBlock(
      depthwise: unknown.convolution([8, 1, 7, 7], padding: 3, groups: 8), norm: unknown.norm(8),
      mlp: unknown.mlp([8, 32, 8], .gelu), gamma: nil)
    #expect(try backend.whole(other) == nil)
  }

  /// What isn't known before makes no whole; single layers find it.
  @Test func rangesMustBeKnown() throws {
    for name in ["qkv", "proj", "mlp.0", "mlp.1"] {
      var make = ByteMaker(unknown: [name])
      let block = HieraBlock(
        norm1: make.norm(8), qkv: make.linear("qkv", 8, 24, -4...4), proj: make.linear("proj", 8, 8, -3...3),
        heads: 2, window: 2, pool: nil, shortcut: nil, norm2: make.norm(8), mlp: make.mlp([8, 32, 8], .gelu))
      #expect(try backend.whole(block) == nil, "\(name)")
    }
  }

  /// Single layers, with a range and without, against exact sums.
  @Test(arguments: [(1, 5, 3), (7, 64, 32), (300, 96, 50), (513, 33, 17)], [true, false])
  func layersAreExact(size: (Int, Int, Int), isKnown: Bool) throws {
    let (rows, inputs, outputs) = size
    var make = ByteMaker(unknown: isKnown ? [] : ["layer"])
    let layer = make.linear("layer", inputs, outputs, -0.9...0.7)
    let x = make.numbers([rows, inputs])
    let linear = try backend.linear(layer)
    expectSums(linear(x).elements, layer, x, outputs)
    // The same as a convolution of pixels that stand in planes.
    let convolution = ConvolutionLayer(
      layer.site, weight: layer.weight.reshaped([outputs, inputs, 1, 1]), bias: layer.bias,
      quantized: layer.quantized.map {
        .init(shape: [outputs, inputs, 1, 1], values: $0.values, scales: $0.scales)
      })
    let convolve = try backend.conv2d(convolution)
    let planes = convolve(x.permuted(1, 0).reshaped([1, inputs, rows, 1]))
    #expect(planes.shape == [1, outputs, rows, 1])
    expectSums(planes.reshaped([outputs, rows]).permuted(1, 0).elements, layer, x, outputs)
  }

  private func expectSums(_ found: [Float], _ layer: LinearLayer, _ x: Tensor, _ outputs: Int) {
    let elements = x.elements
    let range =
      layer.site.input
      ?? {
        let (least, most) = (min(0, elements.min() ?? 0), max(0, elements.max() ?? 0))
        let scale = (most - least) / 255
        return QuantizedRange(scale: scale, zeroPoint: UInt8((-least / scale).rounded(.toNearestOrEven)))
      }()
    let steps = elements.map { value -> Int in
      let step = (value * (1 / range.scale)).rounded(.toNearestOrEven) + Float(range.zeroPoint)
      return Int(max(0, min(255, step))) - Int(range.zeroPoint)
    }
    guard let weight = layer.quantized else { return }
    let inputs = x.shape[1]
    var worst = 0.0
    for row in 0..<x.shape[0] {
      for output in 0..<outputs {
        let sum = (0..<inputs).reduce(0) {
          $0 + steps[row * inputs + $1] * Int(weight.values[output * inputs + $1])
        }
        let value =
          Double(sum) * Double(range.scale) * Double(weight.scales[output])
          + Double(layer.bias?.elements[output] ?? 0)
        worst = max(worst, abs(Double(found[row * outputs + output]) - value) / (1 + abs(value)))
      }
    }
    #expect(worst < 3e-7)
  }

  /// Only floating point is multiplied before there is a picture; what only weights are rounded in is that.
  @Test func levelsOfBytesAreNotFolded() throws {
    let backend = try OneDNNBackend()
    func whole(
      _ lateral: Precision, _ projection: Precision, shape: Shape = [4, 3, 1, 1], stride: Int = 1
    ) throws -> Bool {
      let level = ProjectedLevel(
        lateral: ConvolutionLayer(
          Site(ModulePath("a"), precision: lateral), weight: noise(shape, seed: 1), bias: nil, stride: stride),
        projection: ConvolutionLayer(
          Site(ModulePath("b"), precision: projection), weight: noise([2, 4, 1, 1], seed: 2), bias: nil))
      return try backend.whole(level) != nil
    }
    for (lateral, projection) in [(Precision.f32, Precision.f32), (.bf16, .bf16), (.w8, .f32), (.w8a16, .bf16)]
    {
      #expect(try whole(lateral, projection), "\(lateral), \(projection)")
    }
    for (lateral, projection) in [(Precision.w8a8, Precision.f32), (.f32, .w8a8), (.bf16, .f32), (.f32, .bf16)]
    {
      #expect(try !whole(lateral, projection), "\(lateral), \(projection)")
    }
    #expect(try !whole(.f32, .f32, shape: [4, 3, 3, 3]))
    #expect(try !whole(.f32, .f32, stride: 2))
  }

  /// The few keys of a window have no tile for it.
  @Test func attentionInBytesMakesNoBlockOfWindows() throws {
    var make = ByteMaker()
    let block = HieraBlock(
      norm1: make.norm(8), qkv: make.linear("qkv", 8, 24, -4...4), proj: make.linear("proj", 8, 8, -3...3),
      heads: 2, window: 2, pool: nil, shortcut: nil, norm2: make.norm(8), mlp: make.mlp([8, 32, 8], .gelu),
      attention: Site(ModulePath("attn"), precision: .w8a8))
    #expect(try backend.whole(block) == nil)
  }
}
