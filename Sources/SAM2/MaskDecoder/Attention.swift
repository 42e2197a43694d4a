import Kernels
import Tensors
import Taps

/// Multi-head attention with projections, optionally narrower than the embedding.
/// Source: sam2/modeling/sam/transformer.py, Attention.
struct Attention: Module {
  /// Queries `[B, Nq, C]`, keys and values `[B, Nk, C]`.
  struct Input {
    let q: Tensor
    let k: Tensor
    let v: Tensor
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
    attend = scope.backend.attention()
  }

  func arguments(_ input: Input) -> [(String, any TapValue)] {
    [("q", input.q), ("k", input.k), ("v", input.v)]
  }

  func input(of call: RecordedCall, like input: Input) throws -> Input {
    try Input(q: call.tensor("input/q"), k: call.tensor("input/k"), v: call.tensor("input/v"))
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
