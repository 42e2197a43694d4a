import Kernels
import Tensors
import Taps

/// Tokens attend to themselves, then to the picture, then the picture to the tokens.
/// Source: sam2/modeling/sam/transformer.py, TwoWayAttentionBlock.
struct TwoWayAttentionBlock: Module {
  /// Tokens `[B, N, C]`, picture `[B, HW, C]`, and the positions of both.
  struct Input {
    let queries: Tensor
    let keys: Tensor
    let queryPositions: Tensor
    let keyPositions: Tensor
  }

  /// Tokens and picture after the exchange.
  struct Output: RestorableValue {
    let queries: Tensor
    let keys: Tensor

    init(queries: Tensor, keys: Tensor) {
      self.queries = queries
      self.keys = keys
    }

    init(named name: String, from recorded: RecordedCall) throws {
      queries = try recorded.tensor("\(name)/0")
      keys = try recorded.tensor("\(name)/1")
    }

    func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
      try [queries, keys].visitTensors(named: name, visit)
    }
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

  func arguments(_ input: Input) -> [(String, any TapValue)] {
    [
      ("queries", input.queries), ("keys", input.keys), ("query_pe", input.queryPositions),
      ("key_pe", input.keyPositions),
    ]
  }

  func input(of call: RecordedCall, like input: Input) throws -> Input {
    try Input(
      queries: call.tensor("input/queries"), keys: call.tensor("input/keys"),
      queryPositions: call.tensor("input/query_pe"), keyPositions: call.tensor("input/key_pe"))
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
