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

/// How well one object of a clip was tracked from the first of its masks, or what masks that somebody made of it are worth.
public struct ClipScores: Equatable, Sendable {
  /// The clip's name.
  public let clip: String
  /// The object's number.
  public let object: Int
  /// The frames that were judged, ascending: those with true masks but the first and the last of them.
  public let frames: [Int]
  /// The region similarity on these frames.
  public let regions: [Double]
  /// The contour accuracy on the same frames.
  public let contours: [Double]

  /// J, the mean region similarity over these frames, as DAVIS and SA-V have it; NaN where there is none.
  public var region: Double { regions.mean }
  /// F, the mean contour accuracy over the same frames.
  public var contour: Double { contours.mean }

  /// The scores of one object, of which there are as many regions as contours.
  ///
  /// - Parameter frames: What they are of; nil for frame 1 and those that follow.
  public init(clip: String, object: Int, frames: [Int]? = nil, regions: [Double], contours: [Double]) {
    precondition(regions.count == contours.count, "a frame has a region and a contour")
    (self.clip, self.object, self.regions, self.contours) = (clip, object, regions, contours)
    self.frames = frames ?? Array(1..<regions.count + 1)
    precondition(self.frames.count == regions.count, "a frame has a region")
  }
}

extension ValidationSet.PictureFile {
  /// The true masks of a picture of that size, by object number.
  ///
  /// - Throws: `MediaError`, `EvaluationError.wrongSize`.
  public func labels(width: Int, height: Int) throws -> LabelRaster {
    try LabelRaster.read(path: masks, of: width, height).resolvingVoid
  }
}
