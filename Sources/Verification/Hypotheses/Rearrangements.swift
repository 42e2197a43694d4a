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
