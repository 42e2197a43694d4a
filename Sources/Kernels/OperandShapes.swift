// What operands of products and of attention have to agree about, whoever multiplies.
package import Tensors

/// A linear layer's weight, `[outputs, inputs]`, on `[…, inputs]`.
package struct LinearShapes {
  package let rows, inputs, outputs: Int
  /// `[…, outputs]`.
  package let result: Shape

  /// - Parameter path: the layer's, for what is said where they don't fit.
  package init(_ weight: Shape, on input: Shape, at path: ModulePath? = nil) {
    (outputs, inputs) = (weight[0], weight[1])
    precondition(
      input.rank >= 1 && input[-1] == inputs,
      "\(path.map { "\($0): " } ?? "")linear \(weight) on \(input)")
    rows = input.count / inputs
    result = Shape(Array(input.extents.dropLast()) + [outputs])
  }
}

/// A product of matrices, `[…, m, k] × […, k, n]`, leading axes agreeing.
package struct ProductShapes {
  package let m, k, n: Int
  /// How many products.
  package let batch: Int
  /// `[…, m, n]`.
  package let result: Shape

  package init(_ a: Shape, _ b: Shape) {
    precondition(
      a.rank >= 2 && a.rank == b.rank && a[-1] == b[-2] && a.extents.dropLast(2) == b.extents.dropLast(2),
      "can't multiply \(a) by \(b)")
    (m, k, n) = (a[-2], a[-1], b[-1])
    batch = a.extents.dropLast(2).reduce(1, *)
    result = Shape(Array(a.extents.dropLast()) + [n])
  }
}

/// Attention of queries `[B, Nq, heads, size]` to keys and values `[B, Nk, heads, size]`.
package struct AttentionShapes {
  package let batch, queries, keys, heads, size: Int
  /// From one token to the next, in elements.
  package let stride: Int

  package init(_ q: Shape, _ k: Shape, _ v: Shape) {
    precondition(
      q.rank == 4 && k.rank == 4 && k == v && q[0] == k[0] && q[2] == k[2] && q[3] == k[3],
      "attention of q \(q), k \(k), v \(v)")
    (batch, queries, keys, heads, size) = (q[0], q[1], k[1], q[2], q[3])
    stride = heads * size
  }

  /// All three in `[B, N, 3, heads, size]`.
  package init(packed qkv: Shape) {
    precondition(qkv.rank == 5 && qkv[2] == 3, "attention of packed \(qkv)")
    (batch, queries, keys, heads, size) = (qkv[0], qkv[1], qkv[1], qkv[3], qkv[4])
    stride = 3 * heads * size
  }

  /// `[B, Nq, heads, size]`.
  package var result: Shape { [batch, queries, heads, size] }
}
