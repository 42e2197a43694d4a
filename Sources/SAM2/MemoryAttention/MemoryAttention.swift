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
    let curr: Tensor
    /// `[B, hw, C]`.
    let currPos: Tensor?
    /// Frames of hw tokens one after another, then the object pointers: `[B, N, memDim]`.
    let memory: Tensor
    /// `[B, N, memDim]`.
    let memoryPos: Tensor
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
  func arguments(_ input: Input) -> [(String, any TapValue)] {
    [
      ("curr", [input.curr.permuted(1, 0, 2)]), ("memory", input.memory.permuted(1, 0, 2)),
      ("curr_pos", input.currPos.map { [$0.permuted(1, 0, 2)] }),
      ("memory_pos", input.memoryPos.permuted(1, 0, 2)),
    ]
  }

  func input(of call: RecordedCall, like input: Input) throws -> Input {
    try Input(
      curr: call.tensor("input/curr/0").permuted(1, 0, 2),
      currPos: input.currPos.map { _ in try call.tensor("input/curr_pos/0").permuted(1, 0, 2) },
      memory: call.tensor("input/memory").permuted(1, 0, 2),
      memoryPos: call.tensor("input/memory_pos").permuted(1, 0, 2), objPtrTokens: input.objPtrTokens)
  }

  func result(_ output: Tensor) -> any TapValue { output.permuted(1, 0, 2) }

  func output(of call: RecordedCall) throws -> Tensor { try call.tensor("output").permuted(1, 0, 2) }

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
