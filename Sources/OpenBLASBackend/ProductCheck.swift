// Whether a library multiplies: small products of whole numbers, which are exact in Float32 in any order, against plain
// loops. Some versions of OpenBLAS have kernels that compute wrong results on processors that came after them.

/// What multiplies two matrices, as `multiply` does: the operands, rows, columns, inner, scale, accumulating, the result
/// and the distance between its rows.
typealias Product = (
  MatrixView, MatrixView, Int, Int, Int, Float, Bool, UnsafeMutablePointer<Float>, Int
) -> Void

/// A product to be computed both ways.
struct ProductCheck: CustomStringConvertible {
  let rows: Int, columns: Int, inner: Int
  var transposesA = false
  var transposesB = false
  var scale: Float = 1
  var accumulates = false

  /// Sizes that no tile divides; the last two are beyond what some versions have kernels of their own for, and the one before
  /// is longer than what is packed at once.
  static let all = [
    ProductCheck(rows: 37, columns: 53, inner: 61),
    ProductCheck(rows: 37, columns: 53, inner: 61, transposesA: true, accumulates: true),
    ProductCheck(rows: 41, columns: 29, inner: 67, transposesB: true, scale: 0.5, accumulates: true),
    ProductCheck(rows: 48, columns: 64, inner: 32, transposesA: true, transposesB: true),
    ProductCheck(rows: 1, columns: 53, inner: 61, transposesB: true),
    ProductCheck(rows: 61, columns: 1, inner: 37),
    ProductCheck(rows: 5, columns: 19, inner: 331, transposesB: true),
    ProductCheck(rows: 137, columns: 149, inner: 67, transposesB: true),
    ProductCheck(rows: 131, columns: 109, inner: 73, scale: 2, accumulates: true),
  ]

  /// Such as `37 × 61 by 61 × 53 (transposed)`.
  var description: String {
    "\(rows) × \(inner)\(transposesA ? " (transposed)" : "") by \(inner) × \(columns)\(transposesB ? " (transposed)" : "")"
      + (scale == 1 ? "" : " times \(scale)") + (accumulates ? ", accumulated" : "")
  }

  /// The first product that is wrong, in words; nil where all are right.
  static func firstWrong(_ product: Product) -> String? {
    for check in all {
      if let problem = check.problem(product) { return problem }
    }
    return nil
  }

  /// What is wrong with this product.
  private func problem(_ product: Product) -> String? {
    // Rows of the result and of the operands stand apart, as where a part of a matrix is multiplied.
    let gap = 3
    let stride = columns + gap
    let (aStride, bStride) = ((transposesA ? rows : inner) + gap, (transposesB ? inner : columns) + gap)
    // Beyond 8 bits, which products in 16-bit floats would round; sums stay below 2²⁴ / 2.
    let a = Self.wholeNumbers((transposesA ? inner : rows) * aStride, upTo: 500, seed: 1)
    let b = Self.wholeNumbers((transposesB ? columns : inner) * bStride, upTo: 40, seed: 2)
    let before = Self.wholeNumbers(rows * stride, upTo: 1000, seed: 3)
    var found = before
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        found.withUnsafeMutableBufferPointer { out in
          guard let a = a.baseAddress, let b = b.baseAddress, let out = out.baseAddress else { return }
          product(
            MatrixView(start: a, stride: aStride, transposed: transposesA),
            MatrixView(start: b, stride: bStride, transposed: transposesB), rows, columns, inner, scale,
            accumulates, out, stride)
        }
      }
    }
    let expected = plainly(a, aStride, b, bStride, before, stride)
    guard let index = found.indices.first(where: { found[$0] != expected[$0] }) else { return nil }
    let (row, column) = index.quotientAndRemainder(dividingBy: stride)
    return "the product \(self): expected \(expected[index]) at [\(row), \(column)], found \(found[index])"
  }

  private func plainly(
    _ a: [Float], _ aStride: Int, _ b: [Float], _ bStride: Int, _ before: [Float], _ stride: Int
  ) -> [Float] {
    var out = before
    // The right operand row by row, so that the innermost loop runs along rows.
    var right = [Float](repeating: 0, count: inner * columns)
    for k in 0..<inner {
      for column in 0..<columns {
        right[k * columns + column] = transposesB ? b[column * bStride + k] : b[k * bStride + column]
      }
    }
    var sums = [Float](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] = 0 }
      for k in 0..<inner {
        let factor = transposesA ? a[k * aStride + row] : a[row * aStride + k]
        for column in 0..<columns { sums[column] += factor * right[k * columns + column] }
      }
      for column in 0..<columns {
        out[row * stride + column] =
          scale * sums[column] + (accumulates ? before[row * stride + column] : 0)
      }
    }
    return out
  }

  /// Numbers from −limit to limit that follow no pattern.
  private static func wholeNumbers(_ count: Int, upTo limit: UInt32, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float((state >> 8) % (2 * limit + 1)) - Float(limit)
    }
  }
}
