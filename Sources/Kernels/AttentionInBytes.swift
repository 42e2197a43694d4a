// How queries, keys and values of attention become 8 bits: the definition that every backend is held to.
public import Tensors

/// Attention whose scores and sums are products of bytes. A backend may make bytes of the weights as well, from 0 to 255, where
/// 255 is the largest of as many keys as share a value's scale: off by less than 1, and by half of a 21st of an octave.
public enum AttentionInBytes {
  /// So many keys, one after another from the first on, share a scale; every query has its own.
  public static let keysOfScale = 64
  /// Each channel of so many values has a scale.
  public static let valuesOfScale = 512

  /// The numbers that the bytes of queries `[B, N, heads, d]` stand for.
  public static func queries(_ x: Tensor) -> Tensor { rounded(x, tokensOfScale: 1) }

  /// The numbers that the bytes of keys `[B, N, heads, d]` stand for.
  public static func keys(_ x: Tensor) -> Tensor { rounded(x, tokensOfScale: keysOfScale) }

  /// The numbers that the bytes of values `[B, N, heads, d]` stand for.
  public static func values(_ x: Tensor) -> Tensor {
    // Every channel is a head of its own.
    let channels = x.reshaped([x.shape[0], x.shape[1], x.shape[2] * x.shape[3], 1])
    return rounded(channels, tokensOfScale: valuesOfScale).reshaped(x.shape)
  }

  /// The largest magnitude of so many tokens of a head becomes 127, and all numbers the nearest byte, of two equally near ones
  /// the even one: round(x · (1 / scale)) in Float32. A number that isn't finite leaves none of them one.
  private static func rounded(_ x: Tensor, tokensOfScale: Int) -> Tensor {
    let (entries, tokens, heads, size) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let groups = (tokens + tokensOfScale - 1) / tokensOfScale
    return Tensor(x.shape) { out in
      x.withElements { source in
        parallelFor(entries * groups * heads) { items in
          for item in items {
            let (group, head) = item.quotientAndRemainder(dividingBy: heads)
            let (entry, number) = group.quotientAndRemainder(dividingBy: groups)
            let first = number * tokensOfScale
            let rows = (first..<min(tokens, first + tokensOfScale)).map {
              ((entry * tokens + $0) * heads + head) * size
            }
            var largest: Float = 0
            for row in rows {
              for index in row..<row + size { largest = max(largest, abs(source[index])) }
              if source[row..<row + size].contains(where: \.isNaN) { largest = .nan }
            }
            let scale = largest.isFinite ? (largest / 127 < .leastNormalMagnitude ? 0 : largest / 127) : .nan
            let inverse = scale == 0 ? 0 : 1 / scale
            for row in rows {
              for index in row..<row + size {
                let step = (source[index] * inverse).rounded(.toNearestOrEven)
                out[index] = max(-127, min(127, step)) * scale
              }
            }
          }
        }
      }
    }
  }
}
