/// How alike two arrays of mask logits are as masks: logits above zero are on. The last two axes are a mask's rows and
/// columns.
///
/// A pixel can only flip if its error is at least as large as its reference logit. So flips close to zero are what a
/// tolerance allows, and flips further out are not.
public struct MaskMetrics: Equatable, Sendable, Codable {
  /// How many masks there are.
  public let masks: Int
  /// The least intersection over union of a mask with its reference; 1 where both are empty.
  public let iou: Double
  /// The least agreement of outlines, F of DAVIS: the harmonic mean of the shares of either outline that lie within
  /// 0.008 of the diagonal of the other.
  public let boundaryF: Double
  /// How many pixels are on in one and off in the other.
  public let flipped: Int
  /// The largest |reference logit| among those that flip; 0 where none does.
  public let largestFlippedLogit: Double
  /// The mean |reference logit| of those that flip; 0 where none does.
  public let meanFlippedLogit: Double
}
