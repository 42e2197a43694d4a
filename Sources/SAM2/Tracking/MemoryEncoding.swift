import Architecture
import Kernels
import Tensors

extension SAM2Base {
  /// Turns a frame and an object's mask on it into a memory in bfloat16, to be kept. Source: SAM2Base, `_encode_new_memory`.
  ///
  /// The official predictor encodes one object at a time, so `nonOverlapMasksForMemEnc`, which compares the
  /// objects of a batch, never finds two of them; neither does it here.
  ///
  /// - Parameters:
  ///   - mask: logits `[1, 1, S, S]`.
  ///   - objectScore: `[1, 1]`.
  ///   - isPrompted: whether a user pointed at the object on this frame.
  func encodeMemory(
    _ frame: FrameFeatures, mask: Tensor, objectScore: Tensor, isPrompted: Bool, _ run: Run
  ) -> Tensor {
    let isBinary = configuration.binarizeMaskFromPtsForMemEnc && isPrompted
    let probability = isBinary ? mask.binarized(above: 0) : mask.sigmoid()
    let scaled =
      probability * configuration.sigmoidScaleForMemEnc + configuration.sigmoidBiasForMemEnc
    var memory = memoryEncoder(.init(pixFeat: frame.features, masks: scaled), run).visionFeatures
    if let noObjEmbedSpatial, objectScore.elements[0] <= 0 {
      memory = consume memory + noObjEmbedSpatial.reshaped([1, configuration.memDim, 1, 1])
    }
    return memory.converted(to: .bfloat16).compacted()
  }
}
