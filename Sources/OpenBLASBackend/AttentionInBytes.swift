// Attention of queries, keys and values in 8 bits: products of what the bytes stand for, whose sums differ from the exact ones by
// Float32's rounding.
import Kernels
import Tensors

/// softmax(q · kᵀ / √d) · v, with q, k and v rounded as `AttentionInBytes` says.
struct ByteAttention: AttentionKernel {
  private let attention = ScaledDotProductAttention()

  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`. Returns `[B, Nq, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    attention(AttentionInBytes.queries(q), AttentionInBytes.keys(k), AttentionInBytes.values(v))
  }

  /// `qkv`: `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor {
    let parts = qkv.permuted(2, 0, 1, 3, 4)
    let shape = Shape(Array(parts.shape.extents.dropFirst()))
    return self(parts[0..<1].reshaped(shape), parts[1..<2].reshaped(shape), parts[2..<3].reshaped(shape))
  }
}
