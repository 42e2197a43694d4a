public import Kernels
public import Tensors
public import Taps

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
