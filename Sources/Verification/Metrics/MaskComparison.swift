import Masks
import Tensors

extension MaskMetrics {
  /// Compares two arrays mask by mask; one that has fewer than two axes is one row.
  init(_ pair: ArrayPair) throws {
    let extents = [1, 1] + pair.shape.extents
    let (height, width) = (extents[extents.count - 2], extents[extents.count - 1])
    let area = height * width
    var (flips, worstIoU, worstOutline) = (FlippedPixels(), 1.0, 1.0)
    let count = area == 0 ? 0 : pair.shape.count / area
    for mask in 0..<count {
      var (truth, predicted) = ([UInt8](), [UInt8]())
      truth.reserveCapacity(area)
      predicted.reserveCapacity(area)
      let before = flips.count
      try pair.forEachPiece(of: mask * area..<(mask + 1) * area) { reference, candidate in
        truth += reference.lazy.map { $0 > 0 ? 1 : 0 }
        predicted += candidate.lazy.map { $0 > 0 ? 1 : 0 }
        flips.add(reference, candidate)
        return true
      }
      guard flips.count > before else { continue }
      let expected = BinaryMask(width: width, height: height, pixels: truth)
      let found = BinaryMask(width: width, height: height, pixels: predicted)
      worstIoU = min(worstIoU, found.iou(with: expected))
      worstOutline = min(worstOutline, found.boundaryF(with: expected))
    }
    self.init(
      masks: count, iou: worstIoU, boundaryF: worstOutline, flipped: flips.count,
      largestFlippedLogit: flips.largest, meanFlippedLogit: flips.mean)
  }
}

/// Pixels that are on in one array and off in the other.
private struct FlippedPixels {
  private(set) var count = 0
  private(set) var largest = 0.0
  private var sum = 0.0
  private var finite = 0

  /// The mean logit of those whose logit is finite.
  var mean: Double { finite == 0 ? 0 : sum / Double(finite) }

  mutating func add(_ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>) {
    for index in reference.indices where (reference[index] > 0) != (candidate[index] > 0) {
      count += 1
      let logit = Double(abs(reference[index]))
      guard !logit.isNaN else { continue }
      largest = max(largest, logit)
      guard logit.isFinite else { continue }
      sum += logit
      finite += 1
    }
  }
}
