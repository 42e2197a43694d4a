public import Masks
import SAM2
import Tensors

/// The masks of all objects that are known on one frame.
public struct TrackedFrame: Sendable {
  /// One object's mask.
  public struct Object: Sendable {
    /// The object's number.
    public let object: Int
    /// Its pixels, of the video's size.
    public let mask: BinaryMask
    /// The mask's estimated IoU with the truth.
    public let score: Float
    /// The logit of the object's presence.
    public let objectScore: Float
  }

  /// The frame's number, from 0.
  public let frame: Int
  /// Seconds since the first frame, where the video says.
  public let time: Double?
  /// The objects in the order in which they were added.
  public let objects: [Object]

  /// - Throws: `BrokenPrediction` for what is not a number.
  init(_ masks: FrameMasks, number: Int? = nil, time: Double?, _ cleanUp: CleanUp = CleanUp()) throws {
    try masks.requireNumbers()
    frame = number ?? masks.frame
    self.time = time
    objects = zip(masks.objects, masks.logits()).compactMap { object, logits in
      guard let presence = object.objectScore, let score = object.predictedIoU else { return nil }
      return Object(
        object: object.id, mask: cleanUp(BinaryMask(logits: logits)), score: score, objectScore: presence)
    }
  }
}

extension FrameMasks {
  /// Throws if anything is not a number.
  func requireNumbers() throws(BrokenPrediction) {
    for object in objects {
      let isMaskBroken = object.lowResLogits.withElements { $0.contains(where: \.isNaN) }
      let scores = [object.objectScore, object.predictedIoU].compactMap { $0 }
      guard isMaskBroken || !scores.allSatisfy(\.isFinite) else { continue }
      throw BrokenPrediction(
        name: "\(isMaskBroken ? "mask" : "score") of object \(object.id) on frame \(frame)")
    }
  }
}
