// Tokens and picture attending to each other. Source: sam2/modeling/sam/transformer.py.
public import Kernels
public import Taps
public import Tensors

/// Lets tokens and picture attend to each other. Source: sam2/modeling/sam/transformer.py, TwoWayTransformer.
struct TwoWayTransformer: Module {
  typealias Input = TwoWay.Input
  typealias Output = TwoWay.Output

  let path: ModulePath
  private let layers: [TwoWayAttentionBlock]
  private let finalAttnTokenToImage: Attention
  private let normFinalAttn: LayerNorm
  let whole: Whole<TwoWay.Input, TwoWay.Output>?

  init(depth: Int, _ dim: Int, heads: Int, mlpDim: Int, downsampleRate: Int = 2, _ scope: Scope) throws {
    path = scope.path
    layers = try (0..<depth).map { index in
      try TwoWayAttentionBlock(
        dim, heads: heads, mlpDim: mlpDim, downsampleRate: downsampleRate, skipFirstLayerPE: index == 0,
        scope("layers")(index))
    }
    finalAttnTokenToImage = try Attention(
      dim, heads: heads, downsampleRate: downsampleRate, scope("final_attn_token_to_image"))
    normFinalAttn = try LayerNorm(dim, scope("norm_final_attn"))
    whole = scope.whole(
      try scope.backend.whole(
        TwoWay(
          layers: layers.map(\.layer), finalAttention: finalAttnTokenToImage.layers,
          finalNorm: normFinalAttn.layer)))
  }

  static var fields: [Field<Input>] {
    [
      Field("image_embedding", \.imageEmbedding, repeatedLike: \.tokens),
      Field("image_pe", \.imagePositions, repeatedLike: \.tokens), Field("point_embedding", \.tokens),
    ]
  }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let prompts = input.tokens.shape[0]
    let imagePositions = flattened(input.imagePositions.repeated(toLeading: prompts))
    var queries = input.tokens
    var keys = flattened(input.imageEmbedding.repeated(toLeading: prompts))
    for layer in layers {
      let exchanged = layer(
        .init(queries: queries, keys: keys, queryPositions: input.tokens, keyPositions: imagePositions), run)
      queries = exchanged.queries
      keys = exchanged.keys
    }
    let attended = finalAttnTokenToImage(q: queries + input.tokens, k: keys + imagePositions, v: keys, run)
    return Output(tokens: normFinalAttn(queries + attended, run), image: keys)
  }

  private func flattened(_ image: Tensor) -> Tensor {  // [B, C, h, w] → [B, hw, C]
    let shape = image.shape
    return image.reshaped([shape[0], shape[1], shape[2] * shape[3]]).permuted(0, 2, 1)
  }
}

extension TwoWay.Output: RestorableValue {
  /// Tokens and picture, as PyTorch returns them.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    try [tokens, image].visitTensors(named: name, visit)
  }

  /// Tokens and picture of a recorded call.
  public init(named name: String, from recorded: RecordedCall) throws {
    self.init(tokens: try recorded.tensor("\(name)/0"), image: try recorded.tensor("\(name)/1"))
  }
}

/// Tokens attend to themselves, then to the picture, then the picture to the tokens.
/// Source: sam2/modeling/sam/transformer.py, TwoWayAttentionBlock.
struct TwoWayAttentionBlock: Module {
  /// Tokens `[B, N, C]`, picture `[B, HW, C]`, and the positions of both.
  struct Input {
    var queries: Tensor
    var keys: Tensor
    var queryPositions: Tensor
    var keyPositions: Tensor
  }

  /// Tokens and picture after the exchange.
  struct Output: FieldedValue {
    var queries = Tensor.none
    var keys = Tensor.none

    static var fields: [Field<Output>] { [Field("0", \.queries), Field("1", \.keys)] }
  }

  let path: ModulePath
  private let selfAttn: Attention
  private let norm1: LayerNorm
  private let crossAttnTokenToImage: Attention
  private let norm2: LayerNorm
  private let mlp: MLP<ReLU>
  private let norm3: LayerNorm
  private let norm4: LayerNorm
  private let crossAttnImageToToken: Attention
  private let skipFirstLayerPE: Bool

  init(_ dim: Int, heads: Int, mlpDim: Int, downsampleRate: Int, skipFirstLayerPE: Bool, _ scope: Scope) throws
  {
    path = scope.path
    self.skipFirstLayerPE = skipFirstLayerPE
    selfAttn = try Attention(dim, heads: heads, scope("self_attn"))
    norm1 = try LayerNorm(dim, scope("norm1"))
    crossAttnTokenToImage = try Attention(
      dim, heads: heads, downsampleRate: downsampleRate, scope("cross_attn_token_to_image"))
    norm2 = try LayerNorm(dim, scope("norm2"))
    mlp = try MLP(dim, hidden: mlpDim, dim, layers: 2, activation: ReLU.init(path:), scope("mlp"))
    norm3 = try LayerNorm(dim, scope("norm3"))
    norm4 = try LayerNorm(dim, scope("norm4"))
    crossAttnImageToToken = try Attention(
      dim, heads: heads, downsampleRate: downsampleRate, scope("cross_attn_image_to_token"))
  }

  static var fields: [Field<Input>] {
    [
      Field("queries", \.queries), Field("keys", \.keys), Field("query_pe", \.queryPositions),
      Field("key_pe", \.keyPositions),
    ]
  }

  /// The layers as data.
  var layer: TwoWay.Layer {
    TwoWay.Layer(
      selfAttention: selfAttn.layers, norm1: norm1.layer, tokensToImage: crossAttnTokenToImage.layers,
      norm2: norm2.layer, mlp: mlp.feedForward, norm3: norm3.layer, imageToTokens: crossAttnImageToToken.layers,
      norm4: norm4.layer, skipsPositions: skipFirstLayerPE)
  }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    var queries = input.queries
    var keys = input.keys

    if skipFirstLayerPE {
      queries = selfAttn(q: queries, k: queries, v: queries, run)
    } else {
      let q = queries + input.queryPositions
      queries = queries + selfAttn(q: q, k: q, v: queries, run)
    }
    queries = norm1(queries, run)

    var q = queries + input.queryPositions
    let k = keys + input.keyPositions
    queries = norm2(queries + crossAttnTokenToImage(q: q, k: k, v: keys, run), run)

    queries = norm3(queries + mlp(queries, run), run)

    q = queries + input.queryPositions
    keys = norm4(keys + crossAttnImageToToken(q: k, k: q, v: queries, run), run)
    return Output(queries: queries, keys: keys)
  }
}

/// Multi-head attention with projections, optionally narrower than the embedding.
/// Source: sam2/modeling/sam/transformer.py, Attention.
struct Attention: Module {
  /// Queries `[B, Nq, C]`, keys and values `[B, Nk, C]`.
  struct Input {
    var q: Tensor
    var k: Tensor
    var v: Tensor
  }

  let path: ModulePath
  private let heads: Int
  private let inner: Int
  private let qProj: Linear
  private let kProj: Linear
  private let vProj: Linear
  private let outProj: Linear
  private let attend: any AttentionKernel

  init(_ dim: Int, heads: Int, downsampleRate: Int = 1, _ scope: Scope) throws {
    path = scope.path
    self.heads = heads
    inner = dim / downsampleRate
    qProj = try Linear(dim, inner, scope("q_proj"))
    kProj = try Linear(dim, inner, scope("k_proj"))
    vProj = try Linear(dim, inner, scope("v_proj"))
    outProj = try Linear(inner, dim, scope("out_proj"))
    attend = try scope.backend.attention(scope.site)
  }

  static var fields: [Field<Input>] { [Field("q", \.q), Field("k", \.k), Field("v", \.v)] }

  /// The projections as data.
  var layers: AttentionLayers {
    AttentionLayers(q: qProj.layer, k: kProj.layer, v: vProj.layer, out: outProj.layer, heads: heads)
  }

  func callAsFunction(q: Tensor, k: Tensor, v: Tensor, _ run: Run) -> Tensor {
    self(Input(q: q, k: k, v: v), run)
  }

  func forward(_ input: consuming Input, _ run: Run) -> Tensor {  // → [B, Nq, C]
    let (batch, queries) = (input.q.shape[0], input.q.shape[1])
    let q = separateHeads(qProj(input.q, run))
    let k = separateHeads(kProj(input.k, run))
    let v = separateHeads(vProj(input.v, run))
    return outProj(attend(q, k, v).reshaped([batch, queries, inner]), run)
  }

  private func separateHeads(_ x: Tensor) -> Tensor {  // [B, N, inner] → [B, N, heads, inner / heads]
    let (batch, tokens) = (x.shape[0], x.shape[1])
    return x.reshaped([batch, tokens, heads, inner / heads])
  }
}
