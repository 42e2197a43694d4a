import Foundation
import Tensors

// Faults that move elements and change none.

/// An axis runs the other way; of an axis of three, `ChannelOrder` speaks.
struct MirroredAxis: Hypothesis {
  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape else { return [] }
    let shape = evidence.reference.shape
    return shape.extents.indices.filter { shape[$0] > 1 && shape[$0] != 3 }.compactMap { axis in
      evidence.hint(.mirroredAxis, "axis \(axis) runs backwards") { position, candidate in
        Double(candidate[shape.mirrored(position, axis: axis)])
      }
    }
  }
}

/// Elements stand one or two places further along an axis than they should; those beyond the edge are not judged.
struct ShiftedAxis: Hypothesis {
  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape else { return [] }
    let shape = evidence.reference.shape
    let strides = shape.strides
    return shape.extents.indices.filter { shape[$0] >= 4 }.flatMap { axis in
      [1, -1, 2, -2].lazy.compactMap { distance in
        evidence.hint(
          .shiftedAxis,
          "along axis \(axis) the candidate is shifted by \(distance > 0 ? "+" : "−")\(abs(distance))"
        ) { position, candidate in
          let place = position / strides[axis] % shape[axis] + distance
          guard place >= 0, place < shape[axis] else { return nil }
          return Double(candidate[position + distance * strides[axis]])
        }
      }.prefix(1)
    }
  }
}

/// Axes stand in another order, in the shape or in memory alone.
struct PermutedAxes: Hypothesis {
  /// There are 720 orders of six axes.
  private static let mostAxes = 6

  func hints(for evidence: Evidence) -> [Hint] {
    let shape = evidence.reference.shape
    guard shape.rank <= Self.mostAxes else { return [] }
    let strides = shape.strides
    let found = Self.orders(of: shape.rank).lazy.filter { order in
      // Moving axes of one element moves nothing.
      let moved = order.filter { shape[$0] > 1 }
      return moved != moved.sorted()
    }.compactMap { order -> Hint? in
      let permuted = Shape(order.map { shape[$0] })
      // Another shape than either says nothing of these arrays.
      guard permuted == evidence.candidate.shape || evidence.hasOneShape else { return nil }
      let targets = permuted.strides
      let claim =
        permuted == evidence.candidate.shape
        ? "the candidate's axes are the reference's in the order \(order)"
        : "the candidate's memory has the axes in the order \(order), \(permuted), under the shape \(shape): "
          + "reshaped where it should be permuted"
      return evidence.hint(.permutedAxes, claim) { position, candidate in
        var place = 0
        for (axis, source) in order.enumerated() {
          place += position / strides[source] % shape[source] * targets[axis]
        }
        return Double(candidate[place])
      }
    }
    return found.first.map { [$0] } ?? []
  }

  private static func orders(of rank: Int) -> [[Int]] {
    guard rank > 0 else { return [[]] }
    return orders(of: rank - 1).flatMap { order in
      (0...order.count).map { place in
        var order = order
        order.insert(rank - 1, at: place)
        return order
      }
    }
  }
}

extension Shape {
  /// The position of the element that mirroring an axis brings to `position`.
  func mirrored(_ position: Int, axis: Int) -> Int {
    let (stride, extent) = (strides[axis], self[axis])
    return position + (extent - 1 - 2 * (position / stride % extent)) * stride
  }
}

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
