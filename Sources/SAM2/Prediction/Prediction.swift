import Kernels
public import Tensors

/// The masks predicted for B objects, M of each.
public struct Prediction: Sendable {
  /// The decoder's logits, `[B, M, S / 4, S / 4]`, positive on the object.
  private let logits: Tensor
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

  /// Logits at the model's resolution, `[B, M, S / 4, S / 4]`, between −32 and 32: the next prompt's mask.
  public var lowResLogits: Tensor { logits.clamped(-32...32) }

  /// One mask's logits at the picture's own resolution, `[height, width]`, positive on the object.
  public func maskLogits(object: Int, mask: Int) -> Tensor {
    let low = logits[object][mask]
    return low.reshaped([1, 1, low.shape[0], low.shape[1]])
      .resized(to: (height: height, width: width), by: .bilinear)
      .reshaped([height, width])
  }
}
