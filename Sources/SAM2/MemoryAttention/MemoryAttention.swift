import Architecture
import Kernels
import Tensors
import Taps

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
