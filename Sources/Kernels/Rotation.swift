// Turning pairs of neighbouring channels, as rotary position encodings do.
import CVector
public import Tensors

extension Tensor {
  /// `[B, N, heads, d]` with pairs of neighbouring channels multiplied, as complex numbers, by the pairs of
  /// `turns`.
  ///
  /// Works in place if nobody else holds the memory.
  ///
  /// - Parameters:
  ///   - turns: `[period, d]`: token `n` of every batch entry and head takes row `n mod period`.
  ///   - tokens: how many tokens of each entry are turned; those behind stay as they are.
  public consuming func rotatedPairs(by turns: Tensor, tokens: Int) -> Tensor {
    precondition(
      shape.rank == 4 && shape[3].isMultiple(of: 2) && turns.shape.rank == 2 && turns.shape[1] == shape[3]
        && turns.shape[0] > 0 && (0...shape[1]).contains(tokens),
      "can't turn \(tokens) tokens of \(shape) by \(turns.shape)")
    let (all, heads, size, period) = (shape[1], shape[2], shape[3], turns.shape[0])
    let count = shape[0] * all
    turns.withElements { turns in
      rewriteElements { elements, out in
        let (source, target) = (elements.start, out.start)
        parallelFor(count, grain: Parallelism.rows(of: heads * size)) { range in
          for token in range {
            let place = token % all
            let start = token * heads * size
            if place >= tokens {
              if source != UnsafePointer(target) {
                (target + start).update(from: source + start, count: heads * size)
              }
              continue
            }
            for head in 0..<heads {
              let row = start + head * size
              cvector_multiply_complex(source + row, turns.start + place % period * size, target + row, size)
            }
          }
        }
      }
    }
    return self
  }
}
