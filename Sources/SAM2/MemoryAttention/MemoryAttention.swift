import Architecture
import Kernels
import Tensors
import Traces

/// Conditions a frame's features on the memory of other frames.
/// Source: sam2/modeling/memory_attention.py, MemoryAttention.
struct MemoryAttention: Module {
  /// A frame's features and the memories of B objects.
  struct Input {
    /// `[B, hw, C]`, or `[1, hw, C]` for all objects: then each gets the bits that it would get alone, but what comes
    /// before the first look at the memory is computed once.
    let curr: Tensor
    /// `[1, hw, C]`, or one per object.
    let currPos: Tensor?
    /// Frames of hw tokens one after another, then the object pointers: `[B, N, memDim]`.
    let memory: Tensor
    /// `[B, N, memDim]`, or `[1, N, memDim]`.
    let memoryPos: Tensor
    /// How many tokens at the memory's end are object pointers.
    let objPtrTokens: Int

    /// The same with one entry per object everywhere, as PyTorch is given it.
    fileprivate var expanded: Input {
      let batch = memory.shape[0]
      func expand(_ x: Tensor) -> Tensor { x.repeated(leading: batch / x.shape[0]) }
      return Input(
        curr: expand(curr), currPos: currPos.map(expand), memory: memory, memoryPos: expand(memoryPos),
        objPtrTokens: objPtrTokens)
    }
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
    let input = input.expanded
    return [
      ("curr", [input.curr.permuted(1, 0, 2)]), ("memory", input.memory.permuted(1, 0, 2)),
      ("curr_pos", input.currPos.map { [$0.permuted(1, 0, 2)] }),
      ("memory_pos", input.memoryPos.permuted(1, 0, 2)),
    ]
  }

  func result(_ output: Tensor) -> any TapValue { output.permuted(1, 0, 2) }

  func forward(_ input: consuming Input, _ run: Run) -> Tensor {  // → [B, hw, C]
    let input = input
    var frame = input.curr
    if posEncAtInput, let positions = input.currPos { frame = frame + positions * 0.1 }
    let objects = input.memory.shape[0]
    guard frame.shape[0] == 1, objects > 1 else {
      return condition(frame, input.currPos, on: input.memory, input.memoryPos, input.objPtrTokens, run)
    }
    // One object after another: rows of a product may differ in bits with their place among the others. A recording
    // shows all calls of each object.
    let begun = run.taps == nil ? layers.first?.attendToItself(frame, input.currPos, run) : nil
    let conditioned = (0..<objects).map { object in
      let positions = input.memoryPos.shape[0] == 1 ? 0 : object
      return condition(
        frame, begun: begun, input.currPos, on: input.memory[object..<object + 1],
        input.memoryPos[positions..<positions + 1], input.objPtrTokens, run)
    }
    return Tensor.concatenated(conditioned, axis: 0)
  }

  private func condition(
    _ frame: Tensor, begun: Tensor? = nil, _ positions: Tensor?, on memory: Tensor, _ memoryPos: Tensor,
    _ pointerTokens: Int, _ run: Run
  ) -> Tensor {
    var output = frame
    for (index, layer) in layers.enumerated() {
      output = layer(
        .init(
          tgt: output, selfAttended: index == 0 ? begun : nil, memory: memory, pos: memoryPos,
          queryPos: positions, pointerTokens: pointerTokens), run)
    }
    return norm(output, run)
  }
}
