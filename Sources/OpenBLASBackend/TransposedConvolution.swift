// Transposed convolution whose stride equals its kernel: each input pixel becomes a square of its own.
import CVector
import Kernels
import Tensors

/// `[B, in, H, W]` to `[B, out, k·H, k·W]`.
struct TransposedConvolution: Kernel {
  let layer: TransposedConvolutionLayer

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let squares = PixelSquares(layer, on: input.shape)
    let (batch, inputs, height, width) = (input.shape[0], input.shape[1], squares.height, squares.width)
    let (outputs, kernel) = (squares.outputs, squares.kernel)
    let tileRows = min(height, max(1, 256 / width))
    let tiles = (height + tileRows - 1) / tileRows
    return Tensor([batch, outputs, height * kernel, width * kernel]) { out in
      input.withElements { input in
        layer.weight.withElements { weight in
          parallelFor(batch * tiles, grain: 1, scratch: squares.count * tileRows * width) { range, products in
            for item in range {
              let (image, tile) = item.quotientAndRemainder(dividingBy: tiles)
              let rows = tile * tileRows..<min(height, (tile + 1) * tileRows)
              let pixels = rows.count * width
              for square in 0..<squares.count {
                let shift = layer.bias?.withElements { $0[square / (kernel * kernel)] } ?? 0
                cvector_fill(shift, products + square * pixels, pixels)
              }
              multiply(
                MatrixView(start: weight.start, stride: squares.count, transposed: true),
                MatrixView(
                  start: input.start + image * inputs * height * width + rows.lowerBound * width,
                  stride: height * width), rows: squares.count, columns: pixels, inner: inputs,
                accumulating: true, into: products, stride: pixels)
              squares.scatter(products, rows: rows, into: out.start + image * squares.count * height * width)
            }
          }
        }
      }
    }
  }
}
