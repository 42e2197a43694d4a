import Architecture
import Kernels
import Tensors
import Taps

/// Multi-head attention whose queries and keys are turned by their place in the picture.
/// Source: sam2/modeling/sam/transformer.py, RoPEAttention.
struct RoPEAttention: Module {
  /// Queries `[B, Nq, C]`, keys and values `[B, Nk, kvInDim]`.
  struct Input {
    var q: Tensor
    var k: Tensor
    var v: Tensor
    /// How many keys at the end have no place, and aren't turned.
    var keysWithoutPlace = 0
  }

  let path: ModulePath
  private let heads: Int
  private let inner: Int
  private let ropeKRepeat: Bool
  private let turns: RotaryTurns
  private let qProj: Linear
  private let kProj: Linear
  private let vProj: Linear
  private let outProj: Linear
  private let attend: any AttentionKernel

  /// The projections as data.
  var layers: AttentionLayers {
    AttentionLayers(q: qProj.layer, k: kProj.layer, v: vProj.layer, out: outProj.layer, heads: heads)
  }

  /// - Parameter turns: for heads of this configuration's size; layers share them.
  init(_ configuration: RoPEAttentionConfiguration, turns: RotaryTurns, _ scope: Scope) throws {
    path = scope.path
    heads = configuration.numHeads
    ropeKRepeat = configuration.ropeKRepeat
    self.turns = turns
    let dim = configuration.embeddingDim
    let keyDim = configuration.kvInDim ?? dim
    inner = dim / configuration.downsampleRate
    qProj = try Linear(dim, inner, scope("q_proj"))
    kProj = try Linear(keyDim, inner, scope("k_proj"))
    vProj = try Linear(keyDim, inner, scope("v_proj"))
    outProj = try Linear(inner, dim, scope("out_proj"))
    attend = try scope.backend.attention(scope.site)
  }

  static var fields: [Field<Input>] { [Field("q", \.q), Field("k", \.k), Field("v", \.v)] }

  func forward(_ input: consuming Input, _ run: Run) -> Tensor {  // → [B, Nq, C]
    let (batch, queries, keys) = (input.q.shape[0], input.q.shape[1], input.k.shape[1])
    // One turn per query; over several frames of keys they repeat.
    let placed = keys - input.keysWithoutPlace
    precondition(
      placed % queries == 0 && (ropeKRepeat || keys == queries),
      "\(path): \(queries) queries, \(placed) keys with a place, repeating \(ropeKRepeat)")
    let turns = turns(tokens: queries)
    let q = separateHeads(qProj(input.q, run)).rotatedPairs(by: turns, tokens: queries)
    let k = separateHeads(kProj(input.k, run)).rotatedPairs(by: turns, tokens: placed)
    let v = separateHeads(vProj(input.v, run))
    return outProj(attend(q, k, v).reshaped([batch, queries, inner]), run)
  }

  private func separateHeads(_ x: consuming Tensor) -> Tensor {  // [B, N, inner] → [B, N, heads, inner / heads]
    let (batch, tokens) = (x.shape[0], x.shape[1])
    return x.reshaped([batch, tokens, heads, inner / heads])
  }
}

extension RotaryTurns {
  /// For heads of that configuration.
  convenience init(_ configuration: RoPEAttentionConfiguration) {
    self.init(
      size: configuration.embeddingDim / configuration.downsampleRate / configuration.numHeads,
      theta: configuration.ropeTheta, featSizes: configuration.featSizes)
  }
}
