// A backend with a whole for every module that may have one, made of another backend's kernels: what tests hold parts
// against.
public import Kernels
import Synchronization
public import Tensors

/// Runs modules as one, with another backend's kernels: a block of Hiera window by window, prompts one by one. Keeps count.
public final class WholeBackend: Backend {
  private let inner: any Backend
  /// What the mask upscaling's result is multiplied by: other than 1 a whole that is wrong.
  private let fault: Float
  private let counts = Mutex(Counts())

  private struct Counts {
    var packed: [ObjectIdentifier: any Kernel<Tensor, Tensor>] = [:]
    var preparations: [String: Int] = [:]
    var runs: [String: Int] = [:]
  }

  /// Wholes of a backend's kernels.
  ///
  /// - Parameter fault: what the results of blocks of Hiera are multiplied by, 1 for right ones.
  public init(_ inner: any Backend, fault: Float = 1) {
    self.inner = inner
    self.fault = fault
  }

  /// `whole`.
  public let name = "whole"
  /// The version of nothing.
  public let version = "0"
  /// The other backend's.
  public var kernels: String? { inner.kernels }

  /// How often wholes ran, by the struct that they were made of.
  public var runs: [String: Int] { counts.withLock(\.runs) }

  /// How often weights were packed, by the layer's name.
  public var preparations: [String: Int] { counts.withLock(\.preparations) }

  fileprivate func count(_ whole: String) { counts.withLock { $0.runs[whole, default: 0] += 1 } }

  /// A layer's kernel, prepared when it is first asked for.
  private func prepared(
    _ layer: AnyObject, _ site: Site, _ make: () throws -> any Kernel<Tensor, Tensor>
  ) throws -> any Kernel<Tensor, Tensor> {
    let id = ObjectIdentifier(layer)
    if let known = counts.withLock({ $0.packed[id] }) { return known }
    let kernel = try make()
    counts.withLock { counts in
      counts.packed[id] = kernel
      counts.preparations[site.path.name, default: 0] += 1
    }
    return kernel
  }

  /// The other backend's.
  public func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    try prepared(layer, layer.site) { try inner.linear(layer) }
  }

  /// The other backend's.
  public func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try prepared(layer, layer.site) { try inner.conv2d(layer) }
  }

  /// The other backend's.
  public func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try prepared(layer, layer.site) { try inner.convTranspose2d(layer) }
  }

  /// The other backend's.
  public func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try prepared(layer, layer.site) { try inner.layerNorm(layer) }
  }

  /// The other backend's.
  public func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try prepared(layer, layer.site) { try inner.layerNorm2d(layer) }
  }

  /// The other backend's.
  public func attention(_ site: Site) throws -> any AttentionKernel { try inner.attention(site) }

  /// The other backend's.
  public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { inner.matmul(a, b) }

  /// As its parts.
  public func whole(_ embedding: PatchEmbedding) throws -> (any Kernel<Tensor, Tensor>)? {
    WholePatchEmbedding(backend: self, projection: try conv2d(embedding.projection))
  }

  /// One after the other.
  public func whole(_ level: ProjectedLevel) throws -> (any Kernel<Tensor, Tensor>)? {
    WholeProjectedLevel(
      backend: self, lateral: try conv2d(level.lateral), projection: try conv2d(level.projection))
  }

  /// Window by window.
  public func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    try WholeHieraBlock(block, self, fault: fault)
  }

  /// As its parts.
  public func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)? {
    try WholeMemoryLayer(layer, self)
  }

  /// As its parts.
  public func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    try WholeConvNeXtBlock(block, self)
  }

  /// As its parts.
  public func whole(_ row: ConvolutionRow) throws -> (any Kernel<Tensor, Tensor>)? {
    try WholeConvolutionRow(row, self)
  }

  /// Prompt by prompt.
  public func whole(_ transformer: TwoWay) throws -> (any Kernel<TwoWay.Input, TwoWay.Output>)? {
    try WholeTwoWay(transformer, self)
  }

  /// Prompt by prompt.
  public func whole(_ upscaling: MaskUpscaling) throws -> (any Kernel<MaskUpscaling.Input, Tensor>)? {
    try WholeMaskUpscaling(upscaling, self)
  }
}

private struct Rows: Sendable {
  let layers: [any Kernel<Tensor, Tensor>]
  let activation: Activation

  init(_ mlp: FeedForward, _ backend: WholeBackend) throws {
    layers = try mlp.layers.map { try backend.linear($0) }
    activation = mlp.activation
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x
    for (index, layer) in layers.enumerated() {
      x = layer(x)
      if index < layers.count - 1 { x = activation == .gelu ? x.gelu() : x.relu() }
    }
    return x
  }
}

private struct WholeHieraBlock: Kernel {
  let block: HieraBlock
  let backend: WholeBackend
  let fault: Float
  let norm1, qkv, proj, norm2: any Kernel<Tensor, Tensor>
  let shortcut: (any Kernel<Tensor, Tensor>)?
  let attend: any AttentionKernel
  let mlp: Rows

  init(_ block: HieraBlock, _ backend: WholeBackend, fault: Float) throws {
    self.block = block
    self.backend = backend
    self.fault = fault
    norm1 = try backend.layerNorm(block.norm1)
    qkv = try backend.linear(block.qkv)
    proj = try backend.linear(block.proj)
    norm2 = try backend.layerNorm(block.norm2)
    shortcut = try block.shortcut.map { try backend.linear($0) }
    attend = try backend.attention(block.qkv.site)
    mlp = try Rows(block.mlp, backend)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    backend.count("HieraBlock")
    let x = x
    let (batch, height, width) = (x.shape[0], x.shape[1], x.shape[2])
    let pool = block.pool ?? 1
    let side = block.window > 0 ? block.window : max(height, width)
    let (rows, columns) = (height / pool, width / pool)
    let channels = block.norm2.weight.count
    var out = Tensor(repeating: 0, [batch, rows, columns, channels])
    for entry in 0..<batch {
      for top in stride(from: 0, to: height, by: side) {
        for left in stride(from: 0, to: width, by: side) {
          let (h, w) = (min(side, height - top), min(side, width - left))
          let tile = x[entry..<entry + 1].sliced(axis: 1, top..<top + h).sliced(axis: 2, left..<left + w)
          let made = window(tile, pool: pool)
          out.withMutableElements { out in
            made.withElements { made in
              for row in 0..<h / pool {
                let length = w / pool * channels
                let start = ((entry * rows + top / pool + row) * columns + left / pool) * channels
                for index in 0..<length { out[start + index] = made[row * length + index] }
              }
            }
          }
        }
      }
    }
    return fault == 1 ? out : out * fault
  }

  /// One window through the whole block.
  private func window(_ x: Tensor, pool: Int) -> Tensor {
    let (h, w) = (x.shape[1], x.shape[2])
    let normed = norm1(x)
    let padded = block.window > 0 ? normed.windowPartitioned(block.window).windows : normed
    let (paddedHeight, paddedWidth) = (padded.shape[1], padded.shape[2])
    let projected = qkv(padded)
    let dim = projected.shape[-1] / 3
    let tokens = paddedHeight * paddedWidth
    let heads: Shape = [1, tokens, block.heads, dim / block.heads]
    let split = projected.reshaped([1, tokens, 3, block.heads, dim / block.heads])
    let attended: Tensor
    if block.pool != nil {
      let parts = (0..<3).map { split.sliced(axis: 2, $0..<$0 + 1) }
      let pooled = parts[0].reshaped([1, paddedHeight, paddedWidth, dim]).maxPooledChannelsLast(kernel: pool)
      let queries = pooled.shape[1] * pooled.shape[2]
      attended = attend(
        pooled.reshaped([1, queries, block.heads, dim / block.heads]), parts[1].reshaped(heads),
        parts[2].reshaped(heads))
    } else {
      attended = attend(packed: split)
    }
    let kept = attended.reshaped([1, paddedHeight / pool, paddedWidth / pool, dim])
    let out = proj(kept).sliced(axis: 1, 0..<h / pool).sliced(axis: 2, 0..<w / pool)
    var shortcut = shortcut?(normed) ?? x
    if block.pool != nil { shortcut = shortcut.maxPooledChannelsLast(kernel: pool) }
    let sum = out + shortcut
    let second = norm2(sum)
    return mlp(second) + sum
  }
}

private struct WholePatchEmbedding: Kernel {
  let backend: WholeBackend
  let projection: any Kernel<Tensor, Tensor>

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    backend.count("PatchEmbedding")
    return projection(x).permuted(0, 2, 3, 1)
  }
}

private struct WholeProjectedLevel: Kernel {
  let backend: WholeBackend
  let lateral, projection: any Kernel<Tensor, Tensor>

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    backend.count("ProjectedLevel")
    return projection(lateral(x.contiguous()))
  }
}

private struct WholeConvNeXtBlock: Kernel {
  let backend: WholeBackend
  let depthwise, norm: any Kernel<Tensor, Tensor>
  let mlp: Rows
  let gamma: Tensor?

  init(_ block: ConvNeXtBlock, _ backend: WholeBackend) throws {
    self.backend = backend
    depthwise = try backend.conv2d(block.depthwise)
    norm = try backend.layerNorm2d(block.norm)
    mlp = try Rows(block.mlp, backend)
    gamma = block.gamma
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    backend.count("ConvNeXtBlock")
    let x = x
    let convolved = depthwise(x)
    let normed = norm(convolved)
    var mixed = mlp(normed.permuted(0, 2, 3, 1))
    if let gamma { mixed = mixed * gamma }
    return x + mixed.permuted(0, 3, 1, 2)
  }
}

private struct WholeConvolutionRow: Kernel {
  let backend: WholeBackend
  let stages: [(any Kernel<Tensor, Tensor>, any Kernel<Tensor, Tensor>)]
  let last: any Kernel<Tensor, Tensor>
  let activation: Activation

  init(_ row: ConvolutionRow, _ backend: WholeBackend) throws {
    self.backend = backend
    stages = try row.stages.map { (try backend.conv2d($0.convolution), try backend.layerNorm2d($0.norm)) }
    last = try backend.conv2d(row.last)
    activation = row.activation
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    backend.count("ConvolutionRow")
    var x = x
    for (convolve, normalise) in stages {
      x = convolve(x)
      x = normalise(x)
      x = activation == .gelu ? x.gelu() : x.relu()
    }
    return last(x)
  }
}

/// Projections with the attention between them.
private struct Attending: Sendable {
  let q, k, v, out: any Kernel<Tensor, Tensor>
  let heads: Int
  let attend: any AttentionKernel

  init(_ layers: AttentionLayers, _ backend: WholeBackend) throws {
    q = try backend.linear(layers.q)
    k = try backend.linear(layers.k)
    v = try backend.linear(layers.v)
    out = try backend.linear(layers.out)
    heads = layers.heads
    attend = try backend.attention(layers.q.site)
  }

  func separated(_ x: Tensor) -> Tensor {
    x.reshaped([x.shape[0], x.shape[1], heads, x.shape[2] / heads])
  }

  func callAsFunction(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, turns: Tensor? = nil, turnedKeys: Int = 0
  ) -> Tensor {
    var separatedQueries = separated(q(queries))
    var separatedKeys = separated(k(keys))
    if let turns {
      separatedQueries = separatedQueries.rotatedPairs(by: turns, tokens: queries.shape[1])
      separatedKeys = separatedKeys.rotatedPairs(by: turns, tokens: turnedKeys)
    }
    let attended = attend(separatedQueries, separatedKeys, separated(v(values)))
    return out(attended.reshaped([queries.shape[0], queries.shape[1], attended.shape[2] * attended.shape[3]]))
  }
}

private struct WholeMemoryLayer: Kernel {
  let layer: MemoryLayer
  let backend: WholeBackend
  let norm1, norm2, norm3: any Kernel<Tensor, Tensor>
  let toItself, toMemory: Attending
  let mlp: Rows

  init(_ layer: MemoryLayer, _ backend: WholeBackend) throws {
    self.layer = layer
    self.backend = backend
    norm1 = try backend.layerNorm(layer.norm1)
    norm2 = try backend.layerNorm(layer.norm2)
    norm3 = try backend.layerNorm(layer.norm3)
    toItself = try Attending(layer.selfAttention, backend)
    toMemory = try Attending(layer.crossAttention, backend)
    mlp = try Rows(layer.mlp, backend)
  }

  func callAsFunction(_ input: consuming MemoryLayer.Input) -> Tensor {
    backend.count("MemoryLayer")
    let input = input
    let tokens = input.tgt.shape[1]
    func placed(_ x: Tensor, _ isPlaced: Bool) -> Tensor {
      isPlaced ? input.queryPos.map { x + $0 } ?? x : x
    }
    let normed = norm1(input.tgt)
    let query = placed(normed, layer.adds.selfAttention)
    let first =
      input.tgt + toItself(query, query, normed, turns: layer.selfTurns(tokens), turnedKeys: tokens)
    let keys = layer.adds.keys ? input.memory + input.pos : input.memory
    let second = norm2(first)
    let sum =
      first
      + toMemory(
        placed(second, layer.adds.queries), keys, input.memory, turns: layer.crossTurns(tokens),
        turnedKeys: keys.shape[1] - input.pointerTokens)
    let third = norm3(sum)
    return sum + mlp(third)
  }
}

private struct WholeTwoWay: Kernel {
  private struct Layer {
    let own, toImage, toTokens: Attending
    let norm1, norm2, norm3, norm4: any Kernel<Tensor, Tensor>
    let mlp: Rows
    let skipsPositions: Bool
  }

  let backend: WholeBackend
  private let layers: [Layer]
  let last: Attending
  let norm: any Kernel<Tensor, Tensor>

  init(_ transformer: TwoWay, _ backend: WholeBackend) throws {
    self.backend = backend
    layers = try transformer.layers.map { layer in
      Layer(
        own: try Attending(layer.selfAttention, backend), toImage: try Attending(layer.tokensToImage, backend),
        toTokens: try Attending(layer.imageToTokens, backend), norm1: try backend.layerNorm(layer.norm1),
        norm2: try backend.layerNorm(layer.norm2), norm3: try backend.layerNorm(layer.norm3),
        norm4: try backend.layerNorm(layer.norm4), mlp: try Rows(layer.mlp, backend),
        skipsPositions: layer.skipsPositions)
    }
    last = try Attending(transformer.finalAttention, backend)
    norm = try backend.layerNorm(transformer.finalNorm)
  }

  func callAsFunction(_ input: consuming TwoWay.Input) -> TwoWay.Output {
    backend.count("TwoWay")
    let input = input
    func entry(_ index: Int, _ x: Tensor) -> Tensor { x.shape[0] == 1 ? x : x[index..<index + 1] }
    func flattened(_ x: Tensor) -> Tensor {
      x.reshaped([x.shape[0], x.shape[1], x.shape[2] * x.shape[3]]).permuted(0, 2, 1)
    }
    let prompts = (0..<input.tokens.shape[0]).map { index in
      one(
        flattened(entry(index, input.imageEmbedding)), flattened(entry(index, input.imagePositions)),
        input.tokens[index..<index + 1])
    }
    return TwoWay.Output(
      tokens: .concatenated(prompts.map(\.tokens), axis: 0), image: .concatenated(prompts.map(\.image), axis: 0)
    )
  }

  private func one(_ image: Tensor, _ positions: Tensor, _ tokens: Tensor) -> TwoWay.Output {
    var (queries, keys) = (tokens, image)
    for layer in layers {
      if layer.skipsPositions {
        queries = layer.own(queries, queries, queries)
      } else {
        let placed = queries + tokens
        queries = queries + layer.own(placed, placed, queries)
      }
      queries = layer.norm1(queries)
      let placedKeys = keys + positions
      let attended = queries + layer.toImage(queries + tokens, placedKeys, keys)
      queries = layer.norm2(attended)
      let fed = queries + layer.mlp(queries)
      queries = layer.norm3(fed)
      let exchanged = keys + layer.toTokens(placedKeys, queries + tokens, queries)
      keys = layer.norm4(exchanged)
    }
    let attended = queries + last(queries + tokens, keys + positions, keys)
    return TwoWay.Output(tokens: norm(attended), image: keys)
  }
}

private struct WholeMaskUpscaling: Kernel {
  let backend: WholeBackend
  let conv0, norm1, conv3: any Kernel<Tensor, Tensor>

  init(_ upscaling: MaskUpscaling, _ backend: WholeBackend) throws {
    self.backend = backend
    conv0 = try backend.convTranspose2d(upscaling.conv0)
    norm1 = try backend.layerNorm2d(upscaling.norm1)
    conv3 = try backend.convTranspose2d(upscaling.conv3)
  }

  func callAsFunction(_ input: consuming MaskUpscaling.Input) -> Tensor {
    backend.count("MaskUpscaling")
    let input = input
    let made = (0..<input.weights.shape[0]).map { index in
      var doubled = conv0(input.picture[index..<index + 1].contiguous())
      if let finer = input.finer { doubled = doubled + finer }
      let normed = norm1(doubled)
      var quadrupled = conv3(normed.gelu())
      if let finest = input.finest { quadrupled = quadrupled + finest }
      let upscaled = quadrupled.gelu()
      let (channels, height, width) = (upscaled.shape[1], upscaled.shape[2], upscaled.shape[3])
      return backend.matmul(input.weights[index..<index + 1], upscaled.reshaped([1, channels, height * width]))
        .reshaped([1, input.weights.shape[1], height, width])
    }
    return .concatenated(made, axis: 0)
  }
}
