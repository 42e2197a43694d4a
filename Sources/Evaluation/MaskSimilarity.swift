import Kernels
public import Media

/// How alike two masks of one size are, in the two measures of DAVIS.
public enum MaskSimilarity {
  /// J, region similarity: intersection over union, 1 where both are empty.
  public static func region(_ predicted: BinaryMask, _ truth: BinaryMask) -> Double {
    MaskAgreement.region(predicted.pixels, truth.pixels)
  }

  /// F, contour accuracy: the harmonic mean of the shares of either outline that lie near the other.
  public static func contour(_ predicted: BinaryMask, _ truth: BinaryMask) -> Double {
    MaskAgreement.contour(predicted.pixels, truth.pixels, width: truth.width, height: truth.height)
  }
}
