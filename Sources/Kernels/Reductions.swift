// Reductions over trailing axes, and softmax.
import CVector
public import Tensors

extension Tensor {
  /// The position of the first largest element along the last axis, for each row in row-major order.
  public func argmaxLast() -> [Int] {
    let columns = shape[-1]
    precondition(columns > 0, "argmaxLast of \(shape)")
    return withElements { elements in
      stride(from: 0, to: elements.count, by: columns).map { start in
        var best = 0
        for column in 1..<columns where elements[start + column] > elements[start + best] { best = column }
        return best
      }
    }
  }

  /// Softmax along the last axis.
  public consuming func softmax() -> Tensor {
    let columns = shape[-1]
    withMutableElements { elements in
      let start = elements.start
      parallelFor(elements.count / max(1, columns), grain: Parallelism.rows(of: columns)) { rows in
        cvector_softmax_rows(start + rows.lowerBound * columns, columns, 1, rows.count, columns)
      }
    }
    return self
  }

  /// Sums over the last `axes` axes, which are dropped.
  public func sum(trailing axes: Int) -> Tensor {
    reduced(trailing: axes) { cvector_sum($0, $1) }
  }

  /// Means over the last `axes` axes, which are dropped.
  public func mean(trailing axes: Int) -> Tensor {
    reduced(trailing: axes) { cvector_sum($0, $1) / Float($1) }
  }

  /// How many elements exceed `threshold` over the last `axes` axes, which are dropped.
  public func counts(above threshold: Float, trailing axes: Int) -> Tensor {
    reduced(trailing: axes) { Float(cvector_count_above($0, threshold, $1)) }
  }

  private func reduced(trailing axes: Int, _ reduce: (UnsafePointer<Float>, Int) -> Float) -> Tensor {
    precondition(axes <= shape.rank, "\(axes) trailing axes of \(shape)")
    let kept = Shape(Array(shape.extents.dropLast(axes)))
    let columns = shape.extents.suffix(axes).reduce(1, *)
    return Tensor(kept) { out in
      withElements { elements in
        parallelFor(kept.count, grain: Parallelism.rows(of: columns)) { rows in
          for row in rows { out[row] = reduce(elements.start + row * columns, columns) }
        }
      }
    }
  }
}
