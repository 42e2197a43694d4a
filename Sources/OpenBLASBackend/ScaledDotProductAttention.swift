// Attention by blocks of queries: scores, softmax, weighted values, each while the block is in the cache.
import CVector
import Kernels
import Tensors

/// softmax(q · kᵀ / √d) · v for every batch entry and head.
struct ScaledDotProductAttention: AttentionKernel {
  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`. Returns `[B, Nq, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    precondition(
      q.shape.rank == 4 && k.shape.rank == 4 && k.shape == v.shape && q.shape[0] == k.shape[0]
        && q.shape[2] == k.shape[2] && q.shape[3] == k.shape[3],
      "attention of q \(q.shape), k \(k.shape), v \(v.shape)")
    let (batch, heads, size) = (q.shape[0], q.shape[2], q.shape[3])
    let (queries, keys) = (q.shape[1], k.shape[1])
    return Tensor(q.shape) { out in
      q.withElements { q in
        k.withElements { k in
          v.withElements { v in
            attend(
              HeadViews(q.start, tokens: queries, stride: heads * size, size: size),
              HeadViews(k.start, tokens: keys, stride: heads * size, size: size),
              HeadViews(v.start, tokens: keys, stride: heads * size, size: size), out.start, batch: batch,
              heads: heads)
          }
        }
      }
    }
  }

  /// `qkv`: `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor {
    precondition(qkv.shape.rank == 5 && qkv.shape[2] == 3, "attention of packed \(qkv.shape)")
    let (batch, tokens, heads, size) = (qkv.shape[0], qkv.shape[1], qkv.shape[3], qkv.shape[4])
    return Tensor([batch, tokens, heads, size]) { out in
      qkv.withElements { qkv in
        let views = (0..<3).map { part in
          HeadViews(qkv.start + part * heads * size, tokens: tokens, stride: 3 * heads * size, size: size)
        }
        attend(views[0], views[1], views[2], out.start, batch: batch, heads: heads)
      }
    }
  }

  private func attend(
    _ q: HeadViews, _ k: HeadViews, _ v: HeadViews, _ out: UnsafeMutablePointer<Float>, batch: Int, heads: Int
  ) {
    let size = q.size
    let scale = 1 / Float(size).squareRoot()
    let block = min(q.tokens, Self.queriesPerBlock)
    let blocks = (q.tokens + block - 1) / block
    // Small windows: several of them per tile.
    let grain = max(1, Parallelism.tileElements / (block * k.tokens))
    parallelFor(batch * heads * blocks, grain: grain, scratch: block * k.tokens) { range, scores in
      for item in range {
        let (pair, tile) = item.quotientAndRemainder(dividingBy: blocks)
        let (entry, head) = pair.quotientAndRemainder(dividingBy: heads)
        let first = tile * block
        let rows = min(block, q.tokens - first)
        multiply(
          q.view(entry, head, from: first), k.view(entry, head, transposed: true), rows: rows,
          columns: k.tokens, inner: size, into: scores, stride: k.tokens)
        cvector_softmax_rows(scores, k.tokens, scale, rows, k.tokens)
        multiply(
          MatrixView(start: scores, stride: k.tokens), v.view(entry, head), rows: rows, columns: size,
          inner: k.tokens, into: out + ((entry * q.tokens + first) * heads + head) * size, stride: heads * size)
      }
    }
  }

  /// Enough rows that packing the keys for each block costs little.
  private static let queriesPerBlock = 128
}

/// Queries, keys or values as one matrix per batch entry and head.
private struct HeadViews {
  let start: UnsafePointer<Float>
  let tokens: Int
  /// From one token to the next, in elements.
  let stride: Int
  let size: Int

  init(_ start: UnsafePointer<Float>, tokens: Int, stride: Int, size: Int) {
    (self.start, self.tokens, self.stride, self.size) = (start, tokens, stride, size)
  }

  func view(_ entry: Int, _ head: Int, from token: Int = 0, transposed: Bool = false) -> MatrixView {
    MatrixView(
      start: start + (entry * tokens + token) * stride + head * size, stride: stride, transposed: transposed)
  }
}
