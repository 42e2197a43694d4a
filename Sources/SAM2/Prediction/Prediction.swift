import Kernels
public import Masks
public import Tensors

/// The masks predicted for B objects, M of each.
public struct Prediction: Sendable {
  /// The decoder's logits, `[B, M, S / 4, S / 4]`, positive on the object.
  let logits: Tensor
  /// The predicted IoU of each mask with the truth, `[B, M]`.
  public let iou: Tensor
  /// The logit of the object's presence, `[B, 1]`.
  public let objectScore: Tensor
  private let width: Int
  private let height: Int

  init(logits: Tensor, iou: Tensor, objectScore: Tensor, width: Int, height: Int) {
    self.logits = logits
    self.iou = iou
    self.objectScore = objectScore
    self.width = width
    self.height = height
  }

  /// How many objects were asked for, B.
  public var objectCount: Int { logits.shape[0] }
  /// How many masks there are of each, M: 3 alternatives, or 1.
  public var maskCount: Int { logits.shape[1] }

  /// Every mask at the picture's own resolution, object by object; each takes `4 · width · height` bytes for its logits.
  public var masks: [PredictedMask] {
    (0..<objectCount).flatMap { object in (0..<maskCount).map { mask(object: object, mask: $0) } }
  }

  /// One mask at the picture's own resolution, with what the model says of it.
  ///
  /// - Parameters:
  ///   - object: the prompt's place, from 0.
  ///   - mask: the alternative, from 0.
  public func mask(object: Int, mask: Int) -> PredictedMask {
    PredictedMask(
      object: object, alternative: mask, logits: maskLogits(object: object, mask: mask),
      predictedIoU: iou[object].elements[mask], objectScore: objectScore[object].elements[0])
  }

  /// The alternative with the highest predicted IoU, of several the first.
  public func best(object: Int = 0) -> PredictedMask {
    mask(object: object, mask: iou[object].largestPosition)
  }

  /// Logits at the model's resolution, `[B, M, S / 4, S / 4]`, between −32 and 32.
  public var lowResLogits: Tensor { logits.clamped(-32...32) }

  /// One mask's logits at the model's resolution, `[1, S / 4, S / 4]`, between −32 and 32: `maskLogits` of the next
  /// prompt about the object.
  public func promptLogits(object: Int, mask: Int) -> Tensor {
    logits[object][mask..<mask + 1].clamped(-32...32)
  }

  /// One mask's logits at the picture's own resolution, `[height, width]`, positive on the object.
  public func maskLogits(object: Int, mask: Int) -> Tensor {
    let low = logits[object][mask]
    return low.reshaped([1, 1, low.shape[0], low.shape[1]])
      .resized(to: (height: height, width: width), by: .bilinear)
      .reshaped([height, width])
  }
}

/// One mask of one object of a picture or frame, with what the model says of it.
public struct PredictedMask: Sendable {
  /// The object: its prompt's place in a prediction, the user's number for it in a video.
  public let object: Int
  /// Which of the object's alternatives it is, from 0.
  public let alternative: Int
  /// Logits at the picture's own resolution, `[height, width]`, positive on the object.
  public let logits: Tensor
  /// The predicted IoU with the truth; 1 for a mask that was given.
  public let predictedIoU: Float
  /// The logit of the object's presence.
  public let objectScore: Float

  /// The pixels whose logit is positive.
  public var mask: BinaryMask { BinaryMask(logits: logits) }

  /// How alike the mask is to itself with logits raised and lowered by `offset`, from 0 to 1.
  public func stabilityScore(offset: Float = 1) -> Float { logits.stabilityScore(offset: offset) }
}

extension FrameMasks {
  /// The masks of the objects known on this frame, at the video's own resolution; an object that isn't there has an
  /// empty one.
  public func masks() -> [PredictedMask] {
    zip(objects, logits()).compactMap { object, logits in
      guard let score = object.objectScore, let iou = object.predictedIoU else { return nil }
      return PredictedMask(
        object: object.id, alternative: 0, logits: logits, predictedIoU: iou, objectScore: score)
    }
  }

  /// Which object every pixel of the frame belongs to; where masks overlap the lowest number wins.
  ///
  /// - Throws: `MaskError.objectOutOfRange` for objects beyond 1 to 255.
  public func labelMap() throws(MaskError) -> LabelMap {
    try LabelMap(width: width, height: height, masks: masks().map { ($0.object, $0.mask) })
  }
}
