public import Media

/// How alike two masks of one size are, in the two measures of DAVIS.
/// Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", 2016, as the
/// public evaluators of DAVIS 2017 and SA-V compute them.
public enum MaskSimilarity {
  /// How far outlines may lie apart and still agree, as a part of the diagonal.
  private static let tolerance = 0.008

  /// J, region similarity: intersection over union, 1 where both are empty.
  public static func region(_ predicted: BinaryMask, _ truth: BinaryMask) -> Double {
    var (intersection, union) = (0, 0)
    for (first, second) in zip(predicted.pixels, truth.pixels) {
      intersection += Int(first & second)
      union += Int(first | second)
    }
    return union == 0 ? 1 : Double(intersection) / Double(union)
  }

  /// F, contour accuracy: the harmonic mean of the shares of either outline that lie near the other.
  public static func contour(_ predicted: BinaryMask, _ truth: BinaryMask) -> Double {
    let (ours, theirs) = (outline(predicted), outline(truth))
    switch (ours.isEmpty, theirs.isEmpty) {
    case (true, true): return 1
    case (true, false), (false, true): return 0
    case (false, false): break
    }
    let diagonal = Double(truth.width * truth.width + truth.height * truth.height).squareRoot()
    let reach = Int((tolerance * diagonal).rounded(.up))
    func share(_ outline: Set<Int>, near other: Set<Int>) -> Double {
      let distances = DistanceTransform(width: truth.width, height: truth.height, isInSet: other.contains)
      return Double(outline.count { distances.squared[$0] <= reach * reach }) / Double(outline.count)
    }
    let (precision, recall) = (share(ours, near: theirs), share(theirs, near: ours))
    return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
  }

  /// The pixels that differ from their neighbour to the right, below, or both; in the last row and column from the
  /// one neighbour that there is.
  private static func outline(_ mask: BinaryMask) -> Set<Int> {
    let (width, height) = (mask.width, mask.height)
    var outline: Set<Int> = []
    for y in 0..<height {
      for x in 0..<width {
        let pixel = y * width + x
        let own = mask.pixels[pixel]
        let right = x + 1 < width && mask.pixels[pixel + 1] != own
        let below = y + 1 < height && mask.pixels[pixel + width] != own
        let across = x + 1 < width && y + 1 < height && mask.pixels[pixel + width + 1] != own
        if right || below || across { outline.insert(pixel) }
      }
    }
    return outline
  }
}
