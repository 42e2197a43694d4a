import Kernels
import Tensors
import Taps

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
