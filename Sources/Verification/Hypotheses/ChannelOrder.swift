import Foundation
import Tensors

/// A picture's channels stand the other way round, BGR for RGB, or are normalised by other numbers.
struct ChannelOrder: Hypothesis {
  /// Mean and standard deviation of ImageNet's channels, which SAM 2 normalises by.
  /// Source: sam2/utils/transforms.py, SAM2Transforms.
  private static let mean = [0.485, 0.456, 0.406]
  private static let deviation = [0.229, 0.224, 0.225]
  /// Scale and shift of a channel are only believed in where so many of its elements are seen.
  private static let fewestElements = 32

  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape else { return [] }
    let shape = evidence.reference.shape
    for axis in shape.extents.indices where shape[axis] == 3 {
      let (stride, mean, deviation) = (shape.strides[axis], Self.mean, Self.deviation)
      if let hint = evidence.hint(
        .channelOrder, "the three channels of axis \(axis) stand the other way round: BGR for RGB",
        { position, candidate in Double(candidate[shape.mirrored(position, axis: axis)]) })
      {
        return [hint]
      }
      if let hint = evidence.hint(
        .channelOrder,
        "the three channels of axis \(axis) stood the other way round when they were normalised: BGR for RGB",
        { position, candidate in
          let channel = position / stride % 3
          let other = 2 - channel
          let found = Double(candidate[shape.mirrored(position, axis: axis)])
          return (found * deviation[other] + mean[other] - mean[channel]) / deviation[channel]
        })
      {
        return [hint]
      }
      if let hint = normalisation(axis: axis, evidence) { return [hint] }
    }
    return []
  }

  /// Each channel scaled and shifted by numbers of its own.
  private func normalisation(axis: Int, _ evidence: Evidence) -> Hint? {
    let stride = evidence.reference.shape.strides[axis]
    var lines = [LineFit](repeating: LineFit(), count: 3)
    evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        for position in evidence.positions {
          lines[position / stride % 3].add(x: Double(candidate[position]), y: Double(reference[position]))
        }
      }
    }
    let fits = lines.compactMap { $0.count >= Self.fewestElements ? $0.line : nil }
    guard fits.count == 3 else { return nil }
    // One line for all channels is a constant factor or offset, or both.
    let words = fits.map { String(format: "%.5g·x%+.5g", $0.slope, $0.intercept) }
    return evidence.hint(
      .normalisation,
      "each channel of axis \(axis) is scaled and shifted (reference = \(words.joined(separator: ", "))): "
        + "another mean and standard deviation"
    ) { position, candidate in
      let fit = fits[position / stride % 3]
      return fit.slope * Double(candidate[position]) + fit.intercept
    }
  }
}

/// The straight line that is nearest to points, by least squares.
struct LineFit {
  private(set) var count = 0
  private var sumX = 0.0, sumY = 0.0, sumXX = 0.0, sumXY = 0.0

  mutating func add(x: Double, y: Double) {
    count += 1
    sumX += x
    sumY += y
    sumXX += x * x
    sumXY += x * y
  }

  /// Nil where x doesn't vary.
  var line: (slope: Double, intercept: Double)? {
    let n = Double(count)
    let variance = n * sumXX - sumX * sumX
    guard count >= 2, variance > 1e-12 * n * sumXX else { return nil }
    let slope = (n * sumXY - sumX * sumY) / variance
    return (slope, (sumY - slope * sumX) / n)
  }
}
