// Cutting tensors apart, joining them, and repeating them.
public import Tensors

extension Tensor {
  /// The tensors one after another along `axis`; all other extents agree. Negative axes count from the last.
  public static func concatenated(_ tensors: [Tensor], axis: Int) -> Tensor {
    guard let first = tensors.first else { preconditionFailure("nothing to concatenate") }
    if tensors.count == 1 { return first }
    let axis = axis < 0 ? axis + first.shape.rank : axis
    var extents = first.shape.extents
    extents[axis] = 0
    for tensor in tensors {
      var expected = first.shape.extents
      expected[axis] = tensor.shape[axis]
      precondition(
        tensor.shape.extents == expected, "can't join \(tensor.shape) to \(first.shape) along axis \(axis)")
      extents[axis] += tensor.shape[axis]
    }
    let shape = Shape(extents)
    let outer = shape.extents[..<axis].reduce(1, *)
    let stride = shape.count / max(1, outer)
    return Tensor(shape) { out in
      var offset = 0
      for tensor in tensors {
        let run = tensor.count / max(1, outer)
        tensor.withElements { elements in
          copyBlocks(
            from: elements.start, every: run, to: out.start + offset, every: stride, length: run, count: outer)
        }
        offset += run
      }
    }
  }

  /// Entries `range` of `axis`. Negative axes count from the last.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "range \(range) of axis \(axis) of \(shape)")
    if axis == 0 { return self[range] }
    var extents = shape.extents
    extents[axis] = range.count
    let outer = shape.extents[..<axis].reduce(1, *)
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    return Tensor(Shape(extents)) { out in
      withElements { elements in
        copyBlocks(
          from: elements.start + range.lowerBound * inner, every: shape[axis] * inner, to: out.start,
          every: range.count * inner, length: range.count * inner, count: outer)
      }
    }
  }

  /// Repeated along axes of extent 1, and along new leading axes, until it has `shape`, as `Tensor.expand`.
  public func broadcast(to shape: Shape) -> Tensor {
    let missing = shape.rank - self.shape.rank
    precondition(missing >= 0, "can't broadcast \(self.shape) to \(shape)")
    var result = reshaped(Shape(Array(repeating: 1, count: missing) + self.shape.extents))
    // Outermost last, so that the large copies come at the end.
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) where result.shape[axis] != shape[axis] {
      precondition(result.shape[axis] == 1, "can't broadcast \(self.shape) to \(shape)")
      result = result.repeatedEntries(axis: axis, times: shape[axis])
    }
    return result
  }

  /// Every entry of the leading axis `times` times in a row, as `torch.repeat_interleave(dim=0)`.
  public func repeated(leading times: Int) -> Tensor {
    times == 1 ? self : repeatedEntries(axis: 0, times: times)
  }

  private func repeatedEntries(axis: Int, times: Int) -> Tensor {
    var extents = shape.extents
    extents[axis] *= times
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    return Tensor(Shape(extents)) { out in
      withElements { elements in
        for copy in 0..<times {
          copyBlocks(
            from: elements.start, every: inner, to: out.start + copy * inner, every: times * inner,
            length: inner, count: inner == 0 ? 0 : count / inner)
        }
      }
    }
  }
}

/// Copies `count` blocks of `length` elements that lie at fixed distances, in tiles.
private func copyBlocks(
  from source: UnsafePointer<Float>, every sourceStride: Int, to target: UnsafeMutablePointer<Float>,
  every targetStride: Int, length: Int, count: Int
) {
  let pieces = max(1, (length + Parallelism.tileElements - 1) / Parallelism.tileElements)
  let step = (length + pieces - 1) / pieces
  parallelFor(count * pieces, grain: Parallelism.rows(of: step)) { range in
    for item in range {
      let (block, piece) = item.quotientAndRemainder(dividingBy: pieces)
      let start = min(length, piece * step)
      (target + block * targetStride + start).update(
        from: source + block * sourceStride + start, count: min(step, length - start))
    }
  }
}
