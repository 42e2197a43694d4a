// One call of OpenBLAS, and the batched product of tensors.
import COpenBLAS
import Kernels
import Tensors

/// A matrix in memory, row-major: its first element, the distance between rows, and whether to read it
/// transposed.
struct MatrixView {
  let start: UnsafePointer<Float>
  let stride: Int
  var transposed = false
}

/// out[m, n] = scale · a[m, k] · b[k, n], added to what `out` holds if `accumulating`.
func multiply(
  _ a: MatrixView, _ b: MatrixView, rows m: Int, columns n: Int, inner k: Int, scale: Float = 1,
  accumulating: Bool = false, into out: UnsafeMutablePointer<Float>, stride: Int
) {
  copenblas_cblas_sgemm(
    COPENBLAS_ROW_MAJOR, a.transposed ? COPENBLAS_TRANSPOSED : COPENBLAS_AS_STORED,
    b.transposed ? COPENBLAS_TRANSPOSED : COPENBLAS_AS_STORED, Int32(m), Int32(n), Int32(k), scale, a.start,
    Int32(a.stride), b.start, Int32(b.stride), accumulating ? 1 : 0, out, Int32(stride))
}

/// `[…, m, k] × […, k, n]` to `[…, m, n]`; leading axes agree.
func matrixProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(
    a.shape.rank >= 2 && a.shape.rank == b.shape.rank && a.shape[-1] == b.shape[-2]
      && a.shape.extents.dropLast(2) == b.shape.extents.dropLast(2), "can't multiply \(a.shape) by \(b.shape)")
  let (m, k, n) = (a.shape[-2], a.shape[-1], b.shape[-1])
  let batch = a.shape.extents.dropLast(2).reduce(1, *)
  let tileRows = rowsPerTile(m)
  let tiles = (m + tileRows - 1) / tileRows
  return Tensor(Shape(Array(a.shape.extents.dropLast()) + [n])) { out in
    a.withElements { a in
      b.withElements { b in
        parallelFor(batch * tiles) { range in
          for item in range {
            let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let row = tile * tileRows
            multiply(
              MatrixView(start: a.start + (entry * m + row) * k, stride: k),
              MatrixView(start: b.start + entry * k * n, stride: n), rows: min(tileRows, m - row), columns: n,
              inner: k, into: out.start + (entry * m + row) * n, stride: n)
          }
        }
      }
    }
  }
}

/// How many rows of a product one tile computes. OpenBLAS packs the other matrix anew for each tile, which
/// costs little from 128 rows on; more than 16 tiles are for balance only.
func rowsPerTile(_ rows: Int) -> Int {
  let even = (rows + 15) / 16
  return min(512, max(128, (even + 31) / 32 * 32))
}
