import Kernels
import Tensors
import Taps

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
