public import Masks
import Media

/// What one object of a picture was segmented to, by prompts derived from its true mask.
public struct PictureScores: Equatable, Sendable {
  /// The picture's name.
  public let picture: String
  /// The object's number.
  public let object: Int
  /// The IoU after one click: three masks, of which the one with the highest predicted IoU counts.
  public let oneClick: Double
  /// The IoU of the single mask that the box gives.
  public let box: Double
  /// The IoU after two more clicks, each where the mask before is most wrong, with that mask's logits.
  public let threeClicks: Double

  /// The scores of one object.
  public init(picture: String, object: Int, oneClick: Double, box: Double, threeClicks: Double) {
    (self.picture, self.object) = (picture, object)
    (self.oneClick, self.box, self.threeClicks) = (oneClick, box, threeClicks)
  }
}

/// How well one object of a clip was tracked from its mask on the first frame.
public struct ClipScores: Equatable, Sendable {
  /// The clip's name.
  public let clip: String
  /// The object's number.
  public let object: Int
  /// The region similarity on every frame but the first and the last, from frame 1 on.
  public let regions: [Double]
  /// The contour accuracy on the same frames.
  public let contours: [Double]

  /// J, the mean region similarity over all frames but the first and the last, as DAVIS and SA-V have it; 0 where
  /// there is no such frame.
  public var region: Double { regions.mean }
  /// F, the mean contour accuracy over the same frames.
  public var contour: Double { contours.mean }

  /// The scores of one object, of which there are as many regions as contours.
  public init(clip: String, object: Int, regions: [Double], contours: [Double]) {
    precondition(regions.count == contours.count, "a frame has a region and a contour")
    (self.clip, self.object, self.regions, self.contours) = (clip, object, regions, contours)
  }
}

extension ValidationSet.PictureFile {
  /// The true masks of a picture of that size, by object number.
  ///
  /// - Throws: `MediaError`, `EvaluationError.wrongSize`.
  public func labels(width: Int, height: Int) throws -> LabelMap {
    try LabelMap.read(path: masks, of: width, height)
  }
}

extension ValidationSet.Clip {
  /// The true masks of a clip's frames.
  public struct Truths: Sendable {
    fileprivate let masks: [String]
    fileprivate let width: Int
    fileprivate let height: Int

    /// The frames that count: all but the first, which is given, and the last.
    public var judged: Range<Int> { 1..<max(1, masks.count - 1) }

    /// The true masks of a frame, by object number.
    ///
    /// - Throws: `MediaError`, `EvaluationError.wrongSize`.
    public func labels(of frame: Int) throws -> LabelMap {
      try LabelMap.read(path: masks[frame], of: width, height)
    }
  }

  /// The true masks of a clip of so many frames of that size.
  ///
  /// - Throws: `EvaluationError.wrongCount`.
  public func truths(frames: Int, width: Int, height: Int) throws(EvaluationError) -> Truths {
    guard frames == masks.count else {
      throw .wrongCount(clip: name, frames: frames, masks: masks.count)
    }
    return Truths(masks: masks, width: width, height: height)
  }
}
