// Modules that a backend runs as one, against their composition in double precision: a backend's own wholes, where it has
// any, and those that tests make of its kernels.
import Kernels
import Tensors
import Testing
import TestSupport

/// Layers of one setting, with weights under which activations keep their size.
struct LayerMaker {
  let setting: Setting
  private var seed: UInt64 = 100

  init(_ setting: Setting) { self.setting = setting }

  mutating func numbers(_ shape: Shape, times scale: Float = 1, plus shift: Float = 0) -> Tensor {
    seed += 1
    return noise(shape, seed: seed, times: scale, plus: shift)
  }

  mutating func linear(_ inputs: Int, _ outputs: Int, hasBias: Bool = true) -> LinearLayer {
    let weight = numbers([outputs, inputs], times: (3 / Float(inputs)).squareRoot())
    return LinearLayer(setting.site, weight: weight, bias: hasBias ? numbers([outputs]) : nil)
  }

  mutating func norm(_ channels: Int) -> NormLayer {
    let weight = numbers([channels], times: 0.5, plus: 1)
    return NormLayer(setting.site, weight: weight, bias: numbers([channels]), epsilon: 1e-2)
  }

  mutating func convolution(_ weight: Shape, stride: Int = 1, padding: Int = 0, groups: Int = 1)
    -> ConvolutionLayer
  {
    let scale = (3 * Float(weight[0]) / Float(weight.count)).squareRoot()
    return ConvolutionLayer(
      setting.site, weight: numbers(weight, times: scale), bias: numbers([weight[0]]), stride: stride,
      padding: padding, groups: groups)
  }

  mutating func transposed(_ weight: Shape) -> TransposedConvolutionLayer {
    let scale = (3 / Float(weight[0])).squareRoot()
    return TransposedConvolutionLayer(
      setting.site, weight: numbers(weight, times: scale), bias: numbers([weight[1]]))
  }

  mutating func mlp(_ widths: [Int], _ activation: Activation) -> FeedForward {
    var layers: [LinearLayer] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) { layers.append(linear(inputs, outputs)) }
    return FeedForward(layers, activation)
  }

  mutating func attention(_ dim: Int, keys: Int, inner: Int, heads: Int) -> AttentionLayers {
    let (q, k, v) = (linear(dim, inner), linear(keys, inner), linear(keys, inner))
    return AttentionLayers(q: q, k: k, v: v, out: linear(inner, dim), heads: heads)
  }
}

@Suite struct WholeTests {
  /// Expects what a module's composition gives, within what the errors of several layers add up to.
  private func expectParts(
    _ found: Tensor, _ shape: Shape, _ expected: [Double], _ setting: Setting,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(expected.count == shape.count && largest > 0, sourceLocation: sourceLocation)
    expectClose(
      found, shape, expected.enumerated().map { Expected(index: $0, value: $1, scale: largest) },
      within: 4 * setting.tolerance, sourceLocation: sourceLocation)
  }

  /// Calls `body` with the whole that the tests make of the backend's kernels, and with the backend's own if there is one.
  private func eachWhole<Input, Output>(
    _ setting: Setting, _ make: (any Backend) throws -> (any Kernel<Input, Output>)?,
    _ body: (any Kernel<Input, Output>) throws -> Void
  ) throws {
    let backend = try setting.backend.make()
    try body(try #require(try make(WholeBackend(backend))))
    if let own = try make(backend) { try body(own) }
  }

  struct Block: Sendable, CustomTestStringConvertible {
    var dims: (Int, Int) = (8, 8)
    var heads = 2
    var window = 0
    var pool: Int?
    var tokens: (Int, Int)
    var activation = Activation.gelu

    var testDescription: String { "\(self)" }
  }

  /// Windows that don't divide, that do, that are larger than the picture, and none; pooling with odd heights and widths;
  /// channels that change with and without pooling, and pooling alone.
  @Test(
    arguments: Setting.all,
    [
      Block(window: 3, tokens: (7, 5)), Block(heads: 1, tokens: (5, 4)), Block(window: 4, tokens: (8, 4)),
      Block(window: 6, tokens: (4, 3), activation: .relu),
      Block(dims: (8, 16), window: 4, pool: 2, tokens: (7, 6)), Block(window: 4, pool: 2, tokens: (7, 6)),
      Block(dims: (8, 16), heads: 4, window: 4, pool: 2, tokens: (8, 8)),
      Block(dims: (8, 16), pool: 2, tokens: (5, 7)), Block(dims: (6, 12), heads: 3, window: 5, tokens: (5, 11)),
      Block(dims: (4, 6), heads: 1, window: 6, pool: 3, tokens: (6, 9)),
    ])
  func blocksOfHieraAreTheirParts(setting: Setting, example: Block) throws {
    var make = LayerMaker(setting)
    let (dim, out) = example.dims
    let block = HieraBlock(
      norm1: make.norm(dim), qkv: make.linear(dim, 3 * out), proj: make.linear(out, out), heads: example.heads,
      window: example.window, pool: example.pool, shortcut: dim == out ? nil : make.linear(dim, out),
      norm2: make.norm(out), mlp: make.mlp([out, 4 * out, out], example.activation))
    let (height, width) = example.tokens
    let x = make.numbers([2, height, width, dim])
    let expected = (0..<2).map { block(Pixels(x.permuted(0, 3, 1, 2), entry: $0)) }
    try eachWhole(setting, { try $0.whole(block) }) { whole in
      expectParts(
        whole(x), [2, expected[0].height, expected[0].width, out],
        expected.flatMap { $0.rows.flatMap { $0 } }, setting)
    }
  }

  /// Two convolutions that see a pixel are one; how pixels lie in memory changes nothing.
  @Test(arguments: Setting.all, [[3, 8, 5], [40, 70, 33], [1, 1, 1]])
  func projectedLevelsAreTheirParts(setting: Setting, channels: [Int]) throws {
    var make = LayerMaker(setting)
    let lateral = make.convolution([channels[1], channels[0], 1, 1])
    let level = ProjectedLevel(
      lateral: lateral, projection: make.convolution([channels[2], channels[1], 1, 1]))
    let x = make.numbers([2, channels[0], 13, 50])
    let rows = x.permuted(0, 2, 3, 1).permutedView(0, 3, 1, 2)
    let expected = (0..<2).map { level.projection(lateral(Pixels(x, entry: $0))) }
    try eachWhole(setting, { try $0.whole(level) }) { whole in
      let found = whole(x)
      expectParts(found, [2, channels[2], 13, 50], expected.flatMap(\.elements), setting)
      #expect(whole(rows).elements == found.elements)
    }
  }

  /// As Hiera has it, of pictures that the stride doesn't divide; channels in groups.
  @Test(
    arguments: Setting.all,
    [
      ([20, 3, 7, 7], 4, 3, 1, (22, 37)), ([6, 2, 3, 3], 1, 1, 2, (5, 40)), ([17, 3, 1, 1], 1, 0, 1, (30, 29)),
    ]
      as [([Int], Int, Int, Int, (Int, Int))])
  func patchEmbeddingsAreTheirParts(setting: Setting, form: ([Int], Int, Int, Int, (Int, Int))) throws {
    var make = LayerMaker(setting)
    let (weight, stride, padding, groups, size) = form
    let projection = make.convolution(Shape(weight), stride: stride, padding: padding, groups: groups)
    let x = make.numbers([2, groups * weight[1], size.0, size.1])
    let expected = (0..<2).map { projection(Pixels(x, entry: $0)) }
    try eachWhole(setting, { try $0.whole(PatchEmbedding(projection: projection)) }) { whole in
      expectParts(
        whole(x), [2, expected[0].height, expected[0].width, weight[0]],
        expected.flatMap { $0.rows.flatMap { $0 } }, setting)
    }
  }

  struct Memory: Sendable, CustomTestStringConvertible {
    var heads = 1
    /// Of the attention to the memory: as many as of the other where nil.
    var crossHeads: Int?
    /// Where positions are added: self-attention, queries, keys.
    var adds = (false, false, true)
    var hasPositions = true
    var frames = 2
    var pointers = 3
    var activation = Activation.relu

    var testDescription: String { "\(self)" }
  }

  @Test(
    arguments: Setting.all,
    [
      Memory(), Memory(heads: 2, adds: (true, true, false), activation: .gelu),
      Memory(adds: (true, false, true), frames: 1),
      Memory(adds: (true, true, true), hasPositions: false), Memory(adds: (false, true, true), pointers: 0),
      Memory(heads: 3, frames: 0, pointers: 4), Memory(crossHeads: 2), Memory(heads: 2, crossHeads: 1),
    ])
  func memoryLayersAreTheirParts(setting: Setting, example: Memory) throws {
    var make = LayerMaker(setting)
    let (dim, memDim, tokens) = (12, 6, 9)
    let selfAttention = make.attention(dim, keys: dim, inner: dim, heads: example.heads)
    let crossHeads = example.crossHeads ?? example.heads
    let crossAttention = make.attention(dim, keys: memDim, inner: dim, heads: crossHeads)
    let (size, crossSize) = (dim / example.heads, dim / crossHeads)
    let layer = MemoryLayer(
      norm1: make.norm(dim), selfAttention: selfAttention, norm2: make.norm(dim),
      crossAttention: crossAttention,
      norm3: make.norm(dim), mlp: make.mlp([dim, 20, dim], example.activation),
      adds: .init(selfAttention: example.adds.0, queries: example.adds.1, keys: example.adds.2),
      selfTurns: { noise([$0, size], seed: 1) }, crossTurns: { noise([$0, crossSize], seed: 2) })
    let remembered = example.frames * tokens + example.pointers
    let input = MemoryLayer.Input(
      tgt: make.numbers([2, tokens, dim]), memory: make.numbers([2, remembered, memDim]),
      pos: make.numbers([2, remembered, memDim]),
      queryPos: example.hasPositions ? make.numbers([2, tokens, dim]) : nil,
      pointerTokens: example.pointers)
    let expected = (0..<2).flatMap { layer(input, entry: $0).flatMap { $0 } }
    try eachWhole(setting, { try $0.whole(layer) }) { whole in
      expectParts(whole(input), [2, tokens, dim], expected, setting)
    }
  }

  struct ConvNeXt: Sendable, CustomTestStringConvertible {
    var dim = 6
    /// As many as there are channels where nil.
    var groups: Int?
    var kernel = 7
    var hasGamma = true
    var size = (5, 9)

    var testDescription: String { "\(self)" }
  }

  /// Over each channel or over all of them, with γ and without; of a line, and of more pixels than tiles divide.
  @Test(
    arguments: Setting.all,
    [
      ConvNeXt(), ConvNeXt(kernel: 3, hasGamma: false), ConvNeXt(groups: 1, kernel: 5),
      ConvNeXt(hasGamma: false),
      ConvNeXt(dim: 40, size: (1, 33)), ConvNeXt(dim: 16, size: (23, 25)),
      ConvNeXt(dim: 5, kernel: 1, size: (3, 2)),
    ])
  func convNeXtBlocksAreTheirParts(setting: Setting, form: ConvNeXt) throws {
    var make = LayerMaker(setting)
    let (dim, kernel, padding) = (form.dim, form.kernel, form.kernel / 2)
    let (groups, hasGamma) = (form.groups ?? form.dim, form.hasGamma)
    let depthwise = make.convolution(
      [dim, dim / groups, kernel, kernel], padding: padding, groups: groups)
    let block = ConvNeXtBlock(
      depthwise: depthwise, norm: make.norm(dim), mlp: make.mlp([dim, 4 * dim, dim], .gelu),
      gamma: hasGamma ? make.numbers([dim]) : nil)
    let x = make.numbers([2, dim, form.size.0, form.size.1])
    let expected = (0..<2).flatMap { block(Pixels(x, entry: $0)).elements }
    try eachWhole(setting, { try $0.whole(block) }) { whole in
      expectParts(whole(x), x.shape, expected, setting)
    }
  }

  /// As the mask downsampler and the mask prompts have them; of an odd picture, with ReLU, and with no stage at all; of few
  /// channels, then many, then few, with a kernel of even size; of a line.
  @Test(
    arguments: Setting.all,
    [
      ([1, 4, 8], 3, 2, 1, (16, 16), .gelu), ([1, 4, 8], 2, 2, 0, (13, 17), .gelu),
      ([3, 5], 3, 1, 1, (7, 6), .relu),
      ([4], 1, 1, 0, (3, 5), .gelu), ([1, 16, 33, 8, 20], 3, 2, 1, (70, 66), .gelu),
      ([2, 24, 5], 2, 1, 1, (9, 40), .gelu), ([1, 4, 20], 3, 1, 1, (1, 300), .relu),
    ] as [([Int], Int, Int, Int, (Int, Int), Activation)])
  func rowsOfConvolutionsAreTheirParts(
    setting: Setting, form: ([Int], Int, Int, Int, (Int, Int), Activation)
  ) throws {
    var make = LayerMaker(setting)
    let (channels, kernel, stride, padding, size, activation) = form
    var stages: [ConvolutionRow.Stage] = []
    for (inputs, outputs) in zip(channels, channels.dropFirst()) {
      let convolution = make.convolution([outputs, inputs, kernel, kernel], stride: stride, padding: padding)
      stages.append(.init(convolution, make.norm(outputs)))
    }
    let row = ConvolutionRow(
      stages: stages, activation: activation, last: make.convolution([9, channels[channels.count - 1], 1, 1]))
    let x = make.numbers([2, channels[0], size.0, size.1])
    let expected = (0..<2).map { row(Pixels(x, entry: $0)) }
    try eachWhole(setting, { try $0.whole(row) }) { whole in
      expectParts(
        whole(x), [2, 9, expected[0].height, expected[0].width], expected.flatMap(\.elements), setting)
    }
  }

  struct Exchange: Sendable, CustomTestStringConvertible {
    var prompts = 1
    /// A picture, and positions, for each prompt rather than one for all.
    var ownPictures = false
    var ownPositions = false
    var tokens = 5
    var size = (3, 4)
    var dim = 8
    var heads = 2

    var testDescription: String { "\(self)" }

    /// A transformer of two layers and what it is given.
    func make(_ setting: Setting) -> (TwoWay, TwoWay.Input) {
      var make = LayerMaker(setting)
      var layers: [TwoWay.Layer] = []
      for index in 0..<2 {
        layers.append(
          TwoWay.Layer(
            selfAttention: make.attention(dim, keys: dim, inner: dim, heads: heads), norm1: make.norm(dim),
            tokensToImage: make.attention(dim, keys: dim, inner: dim / 2, heads: heads), norm2: make.norm(dim),
            mlp: make.mlp([dim, 12, dim], .relu), norm3: make.norm(dim),
            imageToTokens: make.attention(dim, keys: dim, inner: dim / 2, heads: heads), norm4: make.norm(dim),
            skipsPositions: index == 0))
      }
      let transformer = TwoWay(
        layers: layers, finalAttention: make.attention(dim, keys: dim, inner: dim / 2, heads: heads),
        finalNorm: make.norm(dim))
      let (height, width) = size
      return (
        transformer,
        TwoWay.Input(
          imageEmbedding: make.numbers([ownPictures ? prompts : 1, dim, height, width]),
          imagePositions: make.numbers([ownPositions ? prompts : 1, dim, height, width]),
          tokens: make.numbers([prompts, tokens, dim]))
      )
    }
  }

  /// One prompt and several; a picture for each and one for all; positions likewise; few tokens and many, of few heads and
  /// many; pictures of several hundred pixels; more prompts than are dealt with at a time.
  @Test(
    arguments: Setting.all,
    [
      Exchange(), Exchange(prompts: 3, ownPictures: true, ownPositions: true),
      Exchange(prompts: 3, tokens: 7), Exchange(prompts: 3, ownPictures: true),
      Exchange(prompts: 3, ownPositions: true),
      Exchange(prompts: 2, tokens: 9, size: (17, 19), dim: 32, heads: 8), Exchange(tokens: 40, size: (13, 21)),
      Exchange(tokens: 8, size: (16, 17), dim: 12, heads: 3), Exchange(prompts: 10, tokens: 7, size: (5, 5)),
    ])
  func twoWayTransformersAreTheirParts(setting: Setting, example: Exchange) throws {
    let (transformer, input) = example.make(setting)
    let (prompts, dim) = (example.prompts, example.dim)
    let expected = (0..<prompts).map { transformer(input, entry: $0) }
    try eachWhole(setting, { try $0.whole(transformer) }) { whole in
      let found = whole(input)
      expectParts(
        found.tokens, [prompts, example.tokens, dim], expected.flatMap { $0.tokens.flatMap { $0 } }, setting)
      expectParts(
        found.image, [prompts, example.size.0 * example.size.1, dim],
        expected.flatMap { $0.image.flatMap { $0 } }, setting)
    }
  }

  /// To the bit, as far as a backend has a whole of its own.
  @Test(
    arguments: Setting.all,
    [
      Exchange(prompts: 3, tokens: 7, size: (17, 19)), Exchange(prompts: 9, ownPictures: true, size: (17, 19)),
      Exchange(prompts: 3, ownPositions: true, tokens: 8, size: (17, 19), dim: 32, heads: 8),
    ])
  func promptsAmongOthersAreAsAlone(setting: Setting, example: Exchange) throws {
    let (transformer, input) = example.make(setting)
    guard let whole = try setting.backend.make().whole(transformer) else { return }
    let found = whole(input)
    func entry(_ index: Int, _ x: Tensor) -> Tensor { x.shape[0] == 1 ? x : x[index..<index + 1] }
    for prompt in 0..<example.prompts {
      let alone = whole(
        TwoWay.Input(
          imageEmbedding: entry(prompt, input.imageEmbedding),
          imagePositions: entry(prompt, input.imagePositions),
          tokens: input.tokens[prompt..<prompt + 1]))
      #expect(alone.tokens.elements == found.tokens[prompt..<prompt + 1].elements)
      #expect(alone.image.elements == found.image[prompt..<prompt + 1].elements)
    }
  }

  struct Upscaling: Sendable, CustomTestStringConvertible {
    var prompts = 1
    var hasFiner = true
    var hasFinest = true
    var size = (3, 5)
    /// Whether the picture is a view of rows of channels.
    var isView = false

    var testDescription: String { "\(self)" }
  }

  @Test(
    arguments: Setting.all,
    [
      Upscaling(), Upscaling(prompts: 3), Upscaling(prompts: 2, hasFiner: false, hasFinest: false),
      Upscaling(prompts: 2, isView: true), Upscaling(hasFiner: false, size: (2, 19), isView: true),
      Upscaling(hasFinest: false, size: (4, 33)),
    ])
  func maskUpscalingsAreTheirParts(setting: Setting, example: Upscaling) throws {
    var make = LayerMaker(setting)
    let (prompts, (height, width)) = (example.prompts, example.size)
    let upscaling = MaskUpscaling(
      conv0: make.transposed([16, 4, 2, 2]), norm1: make.norm(4), conv3: make.transposed([4, 2, 2, 2]))
    let picture =
      example.isView
      ? make.numbers([prompts, height, width, 16]).permutedView(0, 3, 1, 2)
      : make.numbers([prompts, 16, height, width])
    let input = MaskUpscaling.Input(
      picture: picture, finest: example.hasFinest ? make.numbers([1, 2, 4 * height, 4 * width]) : nil,
      finer: example.hasFiner ? make.numbers([1, 4, 2 * height, 2 * width]) : nil,
      weights: make.numbers([prompts, 3, 2]))
    let expected = (0..<prompts).flatMap { upscaling(input, entry: $0).flatMap { $0 } }
    try eachWhole(setting, { try $0.whole(upscaling) }) { whole in
      expectParts(whole(input), [prompts, 3, 4 * height, 4 * width], expected, setting)
    }
  }
}
