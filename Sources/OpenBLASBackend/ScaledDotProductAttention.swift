// Attention by blocks of queries and pieces of keys: scores, softmax, weighted values, each while they are in the
// cache. However many keys there are, only the scores of one block with one piece exist at a time.
import CVector
import Kernels
import Tensors

/// softmax(q · kᵀ / √d) · v for every batch entry and head.
struct ScaledDotProductAttention: AttentionKernel {
  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`. Returns `[B, Nq, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    let shapes = AttentionShapes(q.shape, k.shape, v.shape)
    let (size, stride) = (shapes.size, shapes.stride)
    return Tensor(shapes.result) { out in
      q.withElements { q in
        k.withElements { k in
          v.withElements { v in
            attend(
              HeadViews(q.start, tokens: shapes.queries, stride: stride, size: size),
              HeadViews(k.start, tokens: shapes.keys, stride: stride, size: size),
              HeadViews(v.start, tokens: shapes.keys, stride: stride, size: size), out.start,
              batch: shapes.batch, heads: shapes.heads)
          }
        }
      }
    }
  }

  /// `qkv`: `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor {
    let shapes = AttentionShapes(packed: qkv.shape)
    let (heads, size) = (shapes.heads, shapes.size)
    return Tensor(shapes.result) { out in
      qkv.withElements { qkv in
        let views = (0..<3).map { part in
          HeadViews(qkv.start + part * heads * size, tokens: shapes.keys, stride: shapes.stride, size: size)
        }
        attend(views[0], views[1], views[2], out.start, batch: shapes.batch, heads: heads)
      }
    }
  }

  private func attend(
    _ q: HeadViews, _ k: HeadViews, _ v: HeadViews, _ out: UnsafeMutablePointer<Float>, batch: Int, heads: Int
  ) {
    guard k.tokens > 0, q.tokens > 0 else {
      // Nothing to attend to: the weighted sum of no values.
      out.update(repeating: 0, count: batch * q.tokens * heads * q.size)
      return
    }
    let block = min(q.tokens, Self.queriesPerBlock)
    let blocks = (q.tokens + block - 1) / block
    let piece = min(k.tokens, Self.keysPerPiece)
    // Small windows: several of them per tile.
    let grain = max(1, Parallelism.tileElements / (block * k.tokens))
    parallelFor(batch * heads * blocks, grain: grain, scratch: block * (piece + 3)) { range, scratch in
      let rows = RunningRows(largest: scratch, sums: scratch + block, factors: scratch + 2 * block)
      for item in range {
        let (pair, tile) = item.quotientAndRemainder(dividingBy: blocks)
        let (entry, head) = pair.quotientAndRemainder(dividingBy: heads)
        let first = tile * block
        attend(
          q.view(entry, head, from: first), count: min(block, q.tokens - first),
          k.pieces(entry, head, of: piece),
          v.pieces(entry, head, of: piece), size: q.size, rows, scores: scratch + 3 * block,
          into: out + ((entry * q.tokens + first) * heads + head) * q.size, stride: heads * q.size)
      }
    }
  }

  /// One block of queries against all keys: the weighted values of each piece are added to those before, which are
  /// brought to the new largest score, and divided by the sum of weights at the end.
  private func attend(
    _ q: MatrixView, count: Int, _ keys: [HeadViews.Piece], _ values: [HeadViews.Piece], size: Int,
    _ rows: RunningRows, scores: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>, stride: Int
  ) {
    rows.largest.update(repeating: -.infinity, count: count)
    rows.sums.update(repeating: 0, count: count)
    let scale = 1 / Float(size).squareRoot()
    for (index, (k, v)) in zip(keys, values).enumerated() {
      multiply(
        q, k.transposed, rows: count, columns: k.tokens, inner: size, into: scores, stride: k.tokens)
      cvector_softmax_piece(
        scores, k.tokens, scale, count, k.tokens, rows.largest, rows.sums, rows.factors)
      if index > 0 { scaleRows(out, by: { rows.factors[$0] }, count, size, stride) }
      multiply(
        MatrixView(start: scores, stride: k.tokens), v.view, rows: count, columns: size, inner: k.tokens,
        accumulating: index > 0, into: out, stride: stride)
    }
    scaleRows(out, by: { 1 / rows.sums[$0] }, count, size, stride)
  }

  private func scaleRows(
    _ out: UnsafeMutablePointer<Float>, by factor: (Int) -> Float, _ rows: Int, _ columns: Int, _ stride: Int
  ) {
    for row in 0..<rows { cvector_scale_shift(out + row * stride, factor(row), 0, out + row * stride, columns) }
  }

  /// Enough rows that packing the keys for each block costs little.
  private static let queriesPerBlock = 256
  /// So many keys that the scores of a block stay in the second-level cache.
  private static let keysPerPiece = 1024
}

/// What a block of queries remembers of the keys seen so far, one number per query.
private struct RunningRows {
  let largest: UnsafeMutablePointer<Float>
  let sums: UnsafeMutablePointer<Float>
  let factors: UnsafeMutablePointer<Float>
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

  func view(_ entry: Int, _ head: Int, from token: Int) -> MatrixView {
    MatrixView(start: start + (entry * tokens + token) * stride + head * size, stride: stride)
  }

  /// The tokens of one entry and head, cut into pieces of at most `length`.
  func pieces(_ entry: Int, _ head: Int, of length: Int) -> [Piece] {
    Swift.stride(from: 0, to: tokens, by: length).map { first in
      Piece(view: view(entry, head, from: first), tokens: min(length, tokens - first))
    }
  }

  /// Some neighbouring tokens.
  struct Piece {
    let view: MatrixView
    let tokens: Int

    var transposed: MatrixView { MatrixView(start: view.start, stride: view.stride, transposed: true) }
  }
}
