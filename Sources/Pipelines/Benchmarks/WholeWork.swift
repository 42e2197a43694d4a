// What modules come to that a backend may run as one: counted from their layers and their input's shape, without running
// their parts.
import Kernels
import Tensors

extension HieraBlock {
  /// Of an input `[B, H, W, dim]`, with the padding of windows, whose tokens PyTorch multiplies too.
  func work(on input: Shape) -> Work {
    let (batch, height, width) = (input[0], input[1], input[2])
    let (pool, side) = (pool ?? 1, window)
    let down = side > 0 ? (height + side - 1) / side : 1
    let across = side > 0 ? (width + side - 1) / side : 1
    let windows = batch * down * across
    let (rows, columns) = side > 0 ? (side, side) : (height, width)
    let tokens = rows * columns
    let queries = (rows / pool) * (columns / pool)
    let kept = batch * (height / pool) * (width / pool)
    let attention = qkv.site.attentionWork(
      batch: windows, queries: queries, keys: tokens, channels: proj.weight.shape[1])
    return qkv.work(rows: windows * tokens) + attention + proj.work(rows: windows * queries)
      + (shortcut?.work(rows: batch * height * width) ?? .zero) + mlp.work(rows: kept)
  }

  func output(of input: Shape) -> Shape {
    let pool = pool ?? 1
    return [input[0], input[1] / pool, input[2] / pool, norm2.weight.count]
  }

  var layers: [LinearLayer] { [qkv, proj] + (shortcut.map { [$0] } ?? []) + mlp.layers }
}

extension FeedForward {
  func work(rows: Int) -> Work { layers.map { $0.work(rows: rows) }.reduce(.zero, +) }
}

extension AttentionLayers {
  /// Of so many queries and keys in each of `batch` pictures.
  func work(batch: Int, queries: Int, keys: Int) -> Work {
    let inner = q.weight.shape[0]
    let projections = q.work(rows: batch * queries) + k.work(rows: batch * keys) + v.work(rows: batch * keys)
    return projections + out.work(rows: batch * queries)
      + q.site.attentionWork(batch: batch, queries: queries, keys: keys, channels: inner)
  }

  var layers: [LinearLayer] { [q, k, v, out] }
}

extension MemoryLayer {
  func work(on input: Input) -> Work {
    let (batch, tokens, keys) = (input.tgt.shape[0], input.tgt.shape[1], input.memory.shape[1])
    return selfAttention.work(batch: batch, queries: tokens, keys: tokens)
      + crossAttention.work(batch: batch, queries: tokens, keys: keys) + mlp.work(rows: batch * tokens)
  }

  var layers: [LinearLayer] { selfAttention.layers + crossAttention.layers + mlp.layers }
}

extension ConvNeXtBlock {
  func work(on input: Shape) -> Work {
    depthwise.work(on: input) + mlp.work(rows: input[0] * input[2] * input[3])
  }
}

extension ConvolutionRow {
  /// What it comes to, and the result's shape.
  func work(on input: Shape) -> (work: Work, output: Shape) {
    var (work, shape) = (Work.zero, input)
    for layer in stages.map(\.convolution) + [last] {
      work += layer.work(on: shape)
      shape = layer.output(of: shape)
    }
    return (work, shape)
  }

  var weightBytes: Int {
    (stages.map(\.convolution) + [last]).map { $0.weight.bytes($0.site) }.reduce(0, +)
  }
}

extension TwoWay {
  /// With the picture repeated for every prompt, as PyTorch does.
  func work(on input: Input) -> Work {
    let (prompts, tokens) = (input.tokens.shape[0], input.tokens.shape[1])
    let pixels = input.imageEmbedding.shape[2] * input.imageEmbedding.shape[3]
    let exchanges = layers.map { layer in
      layer.selfAttention.work(batch: prompts, queries: tokens, keys: tokens)
        + layer.tokensToImage.work(batch: prompts, queries: tokens, keys: pixels)
        + layer.mlp.work(rows: prompts * tokens)
        + layer.imageToTokens.work(batch: prompts, queries: pixels, keys: tokens)
    }
    return exchanges.reduce(.zero, +) + finalAttention.work(batch: prompts, queries: tokens, keys: pixels)
  }

  /// Tokens and picture.
  func output(of input: Input) -> (tokens: Shape, image: Shape) {
    let (tokens, image) = (input.tokens.shape, input.imageEmbedding.shape)
    return (tokens, [tokens[0], image[2] * image[3], image[1]])
  }

  var linearLayers: [LinearLayer] {
    layers.flatMap {
      $0.selfAttention.layers + $0.tokensToImage.layers + $0.mlp.layers + $0.imageToTokens.layers
    } + finalAttention.layers
  }
}

extension MaskUpscaling {
  func work(on input: Input) -> Work {
    let doubled = conv0.output(of: input.picture.shape)
    let upscaled = conv3.output(of: doubled)
    let masks = output(of: input)
    let product = Work(
      products: masks.count * upscaled[1], .f32,
      elements: input.weights.count + upscaled.count + masks.count)
    return conv0.work(on: input.picture.shape) + conv3.work(on: doubled) + product
  }

  func output(of input: Input) -> Shape {
    let (picture, weights) = (input.picture.shape, input.weights.shape)
    let scale = conv0.weight.shape[2] * conv3.weight.shape[2]
    return [weights[0], weights[1], picture[2] * scale, picture[3] * scale]
  }
}
