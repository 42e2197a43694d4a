import Tensors

/// What the model said about one object on one frame, as far as later frames need it. Its tensors are `compacted()`: they
/// are kept for long, and would keep alive what they were a part of.
/// Source: sam2/sam2_video_predictor.py, `compact_current_out`.
struct FrameOutput: Sendable {
  /// Mask logits `[1, 1, S / 4, S / 4]`.
  var maskLogits: Tensor
  /// What later frames recognise the object by, `[1, C]`.
  var objectPointer: Tensor
  /// The logit of the object's presence, `[1, 1]`.
  var objectScore: Tensor
  /// The mask's estimated IoU with the truth; 1 for a mask that was given.
  var predictedIoU: Float
  /// The frame's features under the mask, `[1, M, h, w]` in bfloat16; nil until the memory encoder has run.
  /// Source: sam2/sam2_video_predictor.py, `maskmem_features.to(torch.bfloat16)`.
  var memory: Tensor?
}

/// One object's outputs by frame, in the order in which the frames came, which is the order of attention.
struct FrameOutputs: Sendable {
  private(set) var frames: [Int] = []
  private var outputs: [Int: FrameOutput] = [:]

  var isEmpty: Bool { frames.isEmpty }

  /// The output on a frame. A frame that is given anew keeps its place.
  subscript(frame: Int) -> FrameOutput? {
    get { outputs[frame] }
    set {
      if outputs[frame] == nil { frames.append(frame) }
      outputs[frame] = newValue
      if newValue == nil { frames.removeAll { $0 == frame } }
    }
  }

  func contains(_ frame: Int) -> Bool { outputs[frame] != nil }
}
