// A frame conditioned on its memories. Source: sam2/modeling/memory_attention.py, and RoPEAttention of
// sam2/modeling/sam/transformer.py.
import Architecture
import Kernels
import Taps
import Tensors

/// Conditions a frame's features on the memory of other frames.
/// Source: sam2/modeling/memory_attention.py, MemoryAttention.
struct MemoryAttention: Module {
  /// Features and memories, which the official predictor gives one object at a time.
  struct Input {
    /// `[B, hw, C]`.
    var curr: Tensor
    /// `[B, hw, C]`.
    var currPos: Tensor?
    /// Frames of hw tokens one after another, then the object pointers: `[B, N, memDim]`.
    var memory: Tensor
    /// `[B, N, memDim]`.
    var memoryPos: Tensor
    /// How many tokens at the memory's end are object pointers.
    let objPtrTokens: Int
  }

  let path: ModulePath
  private let layers: [MemoryAttentionLayer]
  private let norm: LayerNorm
  private let posEncAtInput: Bool

  init(_ configuration: MemoryAttentionConfiguration, _ scope: Scope) throws {
    path = scope.path
    posEncAtInput = configuration.posEncAtInput
    let selfTurns = RotaryTurns(configuration.layer.selfAttention)
    let crossTurns = RotaryTurns(configuration.layer.crossAttention)
    layers = try (0..<configuration.numLayers).map { index in
      try MemoryAttentionLayer(
        configuration.layer, selfTurns: selfTurns, crossTurns: crossTurns, scope("layers")(index))
    }
    norm = try LayerNorm(configuration.dModel, scope("norm"))
  }

  /// PyTorch takes tokens first, and the frame's features in lists.
  static var fields: [Field<Input>] {
    [
      Field(listed: "curr", \.curr, .batchFirst), Field("memory", \.memory, .batchFirst),
      Field(listed: "curr_pos", \.currPos, .batchFirst), Field("memory_pos", \.memoryPos, .batchFirst),
    ]
  }

  static var resultLayout: Layout { .batchFirst }

  func forward(_ input: consuming Input, _ run: Run) -> Tensor {  // → [B, hw, C]
    let (memory, memoryPos, pointers) = (input.memory, input.memoryPos, input.objPtrTokens)
    let positions = input.currPos
    var output = input.curr
    if posEncAtInput, let positions { output = output + positions * 0.1 }
    for layer in layers {
      output = layer(
        .init(tgt: output, memory: memory, pos: memoryPos, queryPos: positions, pointerTokens: pointers), run)
    }
    return norm(output, run)
  }
}

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
  private let site: Site
  private let attend: any AttentionKernel

  /// The projections as data.
  var layers: AttentionLayers {
    AttentionLayers(
      q: qProj.layer, k: kProj.layer, v: vProj.layer, out: outProj.layer, heads: heads, site: site)
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
    site = scope.site
    attend = try scope.backend.attention(site)
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
