import Architecture
import Kernels
import Masks
import Tensors

/// What SAM's prompt encoder and mask decoder make of one object on one frame.
struct SAMOutput: Sendable {
  /// Mask logits `[1, 1, S / 4, S / 4]`.
  var lowResMasks: Tensor
  /// Mask logits `[1, 1, S, S]`.
  var highResMasks: Tensor
  /// `[1, C]`.
  var objectPointer: Tensor
  /// `[1, 1]`.
  var objectScore: Tensor
  /// The mask's estimated IoU with the truth; 1 for a mask that was given.
  var predictedIoU: Float
}

extension SAM2Base {
  /// The logit of a mask that isn't there. Source: sam2/modeling/sam2_base.py, NO_OBJ_SCORE.
  static let noObjectScore: Float = -1024

  /// Predicts one object's mask from features that know of its past, and from prompts.
  /// Source: SAM2Base, `_forward_sam_heads`.
  ///
  /// - Parameters:
  ///   - features: `[1, C, h, w]`.
  ///   - points: places and labels in pixels of the model's input, nil for none.
  ///   - mask: logits `[1, 1, ·, ·]`, brought to the prompt encoder's size where they have another.
  func samHeads(
    _ features: Tensor, points: PointInputs?, mask: Tensor?, highResFeatures: [Tensor]?, multimask: Bool,
    _ run: Run
  ) -> SAMOutput {
    let points = points ?? .none
    let prompted = promptEncoder(
      .init(points: points, masks: mask.map(asMaskPrompt)), run)
    let decoded = maskDecoder(
      .init(
        imageEmbeddings: features, imagePositions: promptEncoder.densePositions(run),
        sparse: prompted.sparse, dense: prompted.dense, highResFeatures: highResFeatures,
        multimask: multimask), run)

    let best = multimask ? decoded.iou[0].largestPosition : 0
    let score = decoded.objectScore
    let isThere = score.elements[0] > 0
    let side = decoded.masks.shape[2]
    let low =
      configuration.predObjScores && !isThere
      ? Tensor(repeating: Self.noObjectScore, [1, 1, side, side])
      : decoded.masks[0][best].reshaped([1, 1, side, side])
    let tokens = decoded.tokens[0]
    let pointer = objPtrProj(tokens[tokens.shape[0] > 1 ? best..<best + 1 : 0..<1], run)
    let presence = configuration.softNoObjPtr ? score.sigmoid() : Tensor([1, 1], [isThere ? 1 : 0])
    return SAMOutput(
      lowResMasks: low, highResMasks: low.resized(to: imageExtent, by: .bilinear),
      objectPointer: mixed(pointer, presence: presence), objectScore: score,
      predictedIoU: decoded.iou[0].elements[best])
  }

  /// Takes a mask prompt as the answer, and asks the decoder for a pointer alone.
  /// Source: SAM2Base, `_use_mask_as_output`.
  ///
  /// - Parameters:
  ///   - features: `[1, C, h, w]`, without memory.
  ///   - mask: 0 and 1, `[1, 1, S, S]`.
  func maskAsOutput(_ features: Tensor, mask: Tensor, highResFeatures: [Tensor]?, _ run: Run) -> SAMOutput {
    let (scale, bias): (Float, Float) = (20, -10)  // sigmoid(±10) is nearly 1 and 0
    let high = mask * scale + bias
    let side = configuration.imageSize / 4
    let low = high.resizedBilinearAntialiased(height: side, width: side)
    let isThere: Float = mask.count(above: 0) > 0 ? 1 : 0
    let pointer =
      maskDownsample.map { downsample in
        samHeads(
          features, points: nil, mask: downsample(mask, run), highResFeatures: highResFeatures,
          multimask: false, run
        ).objectPointer
      } ?? Tensor(repeating: 0, [1, configuration.hiddenDim])
    return SAMOutput(
      lowResMasks: low, highResMasks: high,
      objectPointer: mixed(pointer, presence: Tensor([1, 1], [isThere])),
      objectScore: Tensor([1, 1], [scale * isThere + bias]), predictedIoU: 1)
  }

  /// An object's pointer where it is there, the pointer for absence where it isn't.
  private func mixed(_ pointer: Tensor, presence: Tensor) -> Tensor {
    guard configuration.predObjScores, let noObjPtr else { return pointer }
    let kept = configuration.fixedNoObjPtr ? pointer * presence : pointer
    return kept + noObjPtr * (presence * -1 + 1)
  }

  private func asMaskPrompt(_ mask: Tensor) -> Tensor {
    let side = 4 * configuration.imageEmbeddingSize
    return mask.resizedBilinearAntialiased(height: side, width: side)
  }

  var imageExtent: (height: Int, width: Int) { (configuration.imageSize, configuration.imageSize) }
}

/// Places `[1, N, 2]` as (x, y) in pixels of the model's input, and labels `[1, N]`: 1 object, 0 background, 2 and 3
/// a box's corners, −1 no point.
struct PointInputs: FieldedValue {
  var coordinates = Tensor.none
  var labels = Tensor.none

  static var fields: [Field<PointInputs>] { [Field("0", \.coordinates), Field("1", \.labels)] }

  /// One place that is none, which stands for no prompt.
  static var none: PointInputs {
    PointInputs(coordinates: Tensor(repeating: 0, [1, 1, 2]), labels: Tensor(repeating: -1, [1, 1]))
  }

  var count: Int { labels.shape[1] }

  /// These places followed by more.
  func adding(_ more: PointInputs) -> PointInputs {
    PointInputs(
      coordinates: .concatenated([coordinates, more.coordinates], axis: 1),
      labels: .concatenated([labels, more.labels], axis: 1))
  }
}
