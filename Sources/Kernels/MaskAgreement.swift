/// How alike two masks of one size are, in the two measures of DAVIS. A mask is a byte per pixel, row by row, 1 where it is on.
/// Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", 2016, as the
/// public evaluators of DAVIS 2017 and SA-V compute them.
package enum MaskAgreement {
  /// How far outlines may lie apart and still agree, as a part of the diagonal.
  private static let tolerance = 0.008

  /// J, region similarity: intersection over union, 1 where both are empty.
  package static func region(_ predicted: [UInt8], _ truth: [UInt8]) -> Double {
    var (intersection, union) = (0, 0)
    for (first, second) in zip(predicted, truth) {
      intersection += Int(first & second)
      union += Int(first | second)
    }
    return union == 0 ? 1 : Double(intersection) / Double(union)
  }

  /// F, contour accuracy: the harmonic mean of the shares of either outline that lie near the other.
  package static func contour(
    _ predicted: [UInt8], _ truth: [UInt8], width: Int, height: Int
  ) -> Double {
    let (ours, theirs) = (outline(predicted, width, height), outline(truth, width, height))
    switch (ours.isEmpty, theirs.isEmpty) {
    case (true, true): return 1
    case (true, false), (false, true): return 0
    case (false, false): break
    }
    let diagonal = Double(width * width + height * height).squareRoot()
    let reach = Int((tolerance * diagonal).rounded(.up))
    func share(_ outline: Set<Int>, near other: Set<Int>) -> Double {
      let distances = DistanceTransform(width: width, height: height, isInSet: other.contains)
      return Double(outline.count { distances.squared[$0] <= reach * reach }) / Double(outline.count)
    }
    let (precision, recall) = (share(ours, near: theirs), share(theirs, near: ours))
    return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
  }

  /// The pixels that differ from their neighbour to the right, below, or both; in the last row and column from the
  /// one neighbour that there is.
  private static func outline(_ mask: [UInt8], _ width: Int, _ height: Int) -> Set<Int> {
    var outline: Set<Int> = []
    for y in 0..<height {
      for x in 0..<width {
        let pixel = y * width + x
        let own = mask[pixel]
        let right = x + 1 < width && mask[pixel + 1] != own
        let below = y + 1 < height && mask[pixel + width] != own
        let across = x + 1 < width && y + 1 < height && mask[pixel + width + 1] != own
        if right || below || across { outline.insert(pixel) }
      }
    }
    return outline
  }
}
