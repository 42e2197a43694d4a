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
  let shapes = ProductShapes(a.shape, b.shape)
  let (m, k, n) = (shapes.m, shapes.k, shapes.n)
  let tileRows = rowsPerTile(m)
  let tiles = (m + tileRows - 1) / tileRows
  return Tensor(shapes.result) { out in
    a.withElements { a in
      b.withElements { b in
        parallelFor(shapes.batch * tiles) { range in
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
