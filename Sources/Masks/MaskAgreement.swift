// How alike two masks of one size are, in the two measures of DAVIS.
// Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", 2016, as the
// public evaluators of DAVIS 2017 and SA-V compute them.

extension BinaryMask {
  /// J, region similarity: intersection over union with a mask of the same size, 1 where both are empty.
  public func iou(with other: BinaryMask) -> Double {
    requireSize(of: other)
    var (intersection, union) = (0, 0)
    pixels.withUnsafeBufferPointer { mine in
      other.pixels.withUnsafeBufferPointer { theirs in
        for pixel in mine.indices {
          intersection += Int(mine[pixel] & theirs[pixel])
          union += Int(mine[pixel] | theirs[pixel])
        }
      }
    }
    return union == 0 ? 1 : Double(intersection) / Double(union)
  }

  /// F, contour accuracy: the harmonic mean of the shares of either outline that lie near the other, which is within
  /// 0.008 of the diagonal; 1 where neither mask has an outline, 0 where one alone has.
  public func boundaryF(with other: BinaryMask) -> Double {
    requireSize(of: other)
    let (ours, theirs) = (outline, other.outline)
    switch (ours.contains(1), theirs.contains(1)) {
    case (true, true): break
    case (false, false): return 1
    case (true, false), (false, true): return 0
    }
    let diagonal = Double(width * width + height * height).squareRoot()
    let reach = Int((Self.contourTolerance * diagonal).rounded(.up))
    func share(_ outline: [UInt8], near other: [UInt8]) -> Double {
      let distances = DistanceTransform(width: width, height: height) { other[$0] == 1 }.squared
      var (count, near) = (0, 0)
      for pixel in outline.indices where outline[pixel] == 1 {
        count += 1
        if distances[pixel] <= reach * reach { near += 1 }
      }
      return Double(near) / Double(count)
    }
    let (precision, recall) = (share(ours, near: theirs), share(theirs, near: ours))
    return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
  }

  /// How far outlines may lie apart and still agree, as a part of the diagonal.
  private static let contourTolerance = 0.008

  /// 1 for the pixels that differ from their neighbour to the right, below, or both; in the last row and column from
  /// the one neighbour that there is.
  private var outline: [UInt8] {
    var outline = [UInt8](repeating: 0, count: pixels.count)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        for x in 0..<width {
          let pixel = y * width + x
          let own = pixels[pixel]
          let right = x + 1 < width && pixels[pixel + 1] != own
          let below = y + 1 < height && pixels[pixel + width] != own
          let across = x + 1 < width && y + 1 < height && pixels[pixel + width + 1] != own
          if right || below || across { outline[pixel] = 1 }
        }
      }
    }
    return outline
  }

  private func requireSize(of other: BinaryMask) {
    precondition(
      width == other.width && height == other.height,
      "a mask of \(width) × \(height) against one of \(other.width) × \(other.height)")
  }
}
