import Kernels
import Tensors
import Taps

/// Lets tokens and picture attend to each other. Source: sam2/modeling/sam/transformer.py, TwoWayTransformer.
struct TwoWayTransformer: Module {
  /// Picture `[B, C, h, w]` with its positions, and tokens `[B, N, C]`.
  struct Input {
    let imageEmbedding: Tensor
    let imagePositions: Tensor
    let tokens: Tensor
  }

  /// Tokens `[B, N, C]` and picture `[B, hw, C]`.
  struct Output: RestorableValue {
    let tokens: Tensor
    let image: Tensor

    init(tokens: Tensor, image: Tensor) {
      self.tokens = tokens
      self.image = image
    }

    init(named name: String, from recorded: RecordedCall) throws {
      tokens = try recorded.tensor("\(name)/0")
      image = try recorded.tensor("\(name)/1")
    }

    func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
      try [tokens, image].visitTensors(named: name, visit)
    }
  }

  let path: ModulePath
  private let layers: [TwoWayAttentionBlock]
  private let finalAttnTokenToImage: Attention
  private let normFinalAttn: LayerNorm

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
  }

  func arguments(_ input: Input) -> [(String, any TapValue)] {
    [
      ("image_embedding", input.imageEmbedding), ("image_pe", input.imagePositions),
      ("point_embedding", input.tokens),
    ]
  }

  func input(of call: RecordedCall, like input: Input) throws -> Input {
    try Input(
      imageEmbedding: call.tensor("input/image_embedding"), imagePositions: call.tensor("input/image_pe"),
      tokens: call.tensor("input/point_embedding"))
  }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let imagePositions = flattened(input.imagePositions)
    var queries = input.tokens
    var keys = flattened(input.imageEmbedding)
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
