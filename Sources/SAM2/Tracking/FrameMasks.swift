import Kernels
public import Tensors

/// The masks of all objects on one frame.
public struct FrameMasks: Sendable {
  /// One object's mask.
  public struct Object: Sendable {
    /// The user's number for it.
    public let id: Int
    /// Mask logits `[h, w]` at the model's resolution, `imageSize / 4`; −1024 everywhere where the object
    /// isn't there or isn't known on this frame.
    public let lowResLogits: Tensor
    /// The logit of the object's presence; nil where the object isn't known on this frame.
    public let objectScore: Float?
    /// The mask's estimated IoU with the truth, 1 for a mask that was given; nil where the object isn't known on
    /// this frame.
    public let predictedIoU: Float?
  }

  /// The frame's number, from 0.
  public let frame: Int
  /// The objects in the order in which they were added.
  public let objects: [Object]
  /// The video's width in pixels.
  public let width: Int
  /// The video's height in pixels.
  public let height: Int
  let areSeparated: Bool

  /// Every object's mask logits at the video's own resolution, `[height, width]`, positive on the object.
  ///
  /// Where `nonOverlapMasks` is set, no pixel is positive in two of them.
  /// Source: SAM2VideoPredictor, `_get_orig_video_res_output`.
  public func logits() -> [Tensor] {
    let all = objects.map { object in
      let low = object.lowResLogits
      return low.reshaped([1, 1, low.shape[0], low.shape[1]]).resized(to: (height, width), by: .bilinear)
        .reshaped([height, width])
    }
    return areSeparated ? Self.separated(all) : all
  }

  /// Leaves every pixel to the object with the highest logit; others' logits become −10 there at most.
  /// Source: SAM2Base, `_apply_non_overlapping_constraints`.
  static func separated(_ logits: [Tensor]) -> [Tensor] {
    guard logits.count > 1 else { return logits }
    let all = logits.map(\.elements)
    let winners = all[0].indices.map { pixel in
      all.indices.reduce(0) { all[$1][pixel] > all[$0][pixel] ? $1 : $0 }
    }
    return logits.indices.map { object in
      Tensor(logits[object].shape) { out in
        for pixel in winners.indices {
          let logit = all[object][pixel]
          out[pixel] = winners[pixel] == object ? logit : min(logit, -10)
        }
      }
    }
  }
}
