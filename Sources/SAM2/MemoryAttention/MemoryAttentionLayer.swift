import Architecture
import Kernels
import Tensors
import Taps

/// A frame's features attend to themselves, then to the memory, then pass a feed-forward part.
/// Source: sam2/modeling/memory_attention.py, MemoryAttentionLayer.
struct MemoryAttentionLayer: Module {
  typealias Input = MemoryLayer.Input

  let path: ModulePath
  private let selfAttn: RoPEAttention
  private let crossAttnImage: RoPEAttention
  private let linear1: Linear
  private let dropout: Identity
  private let linear2: Linear
  private let norm1: LayerNorm
  private let norm2: LayerNorm
  private let norm3: LayerNorm
  private let dropout1: Identity
  private let dropout2: Identity
  private let dropout3: Identity
  private let usesGELU: Bool
  private let adds: MemoryLayer.Positions
  let whole: Whole<MemoryLayer.Input, Tensor>?

  init(
    _ configuration: MemoryAttentionLayerConfiguration, selfTurns: RotaryTurns, crossTurns: RotaryTurns,
    _ scope: Scope
  ) throws {
    path = scope.path
    let (dim, hidden) = (configuration.dModel, configuration.dimFeedforward)
    selfAttn = try RoPEAttention(configuration.selfAttention, turns: selfTurns, scope("self_attn"))
    crossAttnImage = try RoPEAttention(
      configuration.crossAttention, turns: crossTurns, scope("cross_attn_image"))
    linear1 = try Linear(dim, hidden, scope("linear1"))
    dropout = Identity(path: scope("dropout").path)
    linear2 = try Linear(hidden, dim, scope("linear2"))
    norm1 = try LayerNorm(dim, scope("norm1"))
    norm2 = try LayerNorm(dim, scope("norm2"))
    norm3 = try LayerNorm(dim, scope("norm3"))
    dropout1 = Identity(path: scope("dropout1").path)
    dropout2 = Identity(path: scope("dropout2").path)
    dropout3 = Identity(path: scope("dropout3").path)
    usesGELU = configuration.activation == "gelu"
    adds = MemoryLayer.Positions(
      selfAttention: configuration.posEncAtAttn, queries: configuration.posEncAtCrossAttnQueries,
      keys: configuration.posEncAtCrossAttnKeys)
    whole = scope.whole(
      try scope.backend.whole(
        MemoryLayer(
          norm1: norm1.layer, selfAttention: selfAttn.layers, norm2: norm2.layer,
          crossAttention: crossAttnImage.layers, norm3: norm3.layer,
          mlp: FeedForward([linear1.layer, linear2.layer], usesGELU ? .gelu : .relu), adds: adds,
          selfTurns: { selfTurns(tokens: $0) }, crossTurns: { crossTurns(tokens: $0) })))
  }

  static var fields: [Field<Input>] {
    [Field("tgt", \.tgt), Field("memory", \.memory), Field("pos", \.pos), Field("query_pos", \.queryPos)]
  }

  func forward(_ input: consuming Input, _ run: Run) -> Tensor {  // → [B, hw, C]
    let queryPos = input.queryPos
    let (memory, pos, pointerTokens) = (input.memory, input.pos, input.pointerTokens)
    var tgt = attendToItself(input.tgt, queryPos, run)

    let attended = crossAttnImage(
      .init(
        q: adds.queries ? adding(queryPos, to: norm2(tgt, run)) : norm2(tgt, run),
        k: adds.keys ? memory + pos : memory, v: memory, keysWithoutPlace: pointerTokens), run)
    tgt = consume tgt + dropout2(attended, run)

    let hidden = linear1(norm3(tgt, run), run)
    let activated = usesGELU ? (consume hidden).gelu() : (consume hidden).relu()
    return consume tgt + dropout3(linear2(dropout(activated, run), run), run)
  }

  /// The self-attention, which comes before the memory: `[B, hw, C]` → `[B, hw, C]`.
  private func attendToItself(_ tgt: Tensor, _ queryPos: Tensor?, _ run: Run) -> Tensor {
    let normed = norm1(tgt, run)
    let q = adds.selfAttention ? adding(queryPos, to: normed) : normed
    return tgt + dropout1(selfAttn(.init(q: q, k: q, v: normed), run), run)
  }

  private func adding(_ positions: Tensor?, to x: consuming Tensor) -> Tensor {
    guard let positions else { return x }
    return x + positions
  }
}
