// Transposed convolution whose stride equals its kernel: each input pixel becomes a square of its own.
import CVector
import Kernels
import Tensors

/// `[B, in, H, W]` to `[B, out, k·H, k·W]`.
struct TransposedConvolution: Kernel {
  /// `[in, out, k, k]`
  let weight: Tensor
  /// `[out]`
  let bias: Tensor?

  init(weight: Tensor, bias: Tensor?) {
    precondition(
      weight.shape.rank == 4 && weight.shape[2] == weight.shape[3],
      "convTranspose2d with weight \(weight.shape)")
    self.weight = weight
    self.bias = bias
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let (inputs, outputs, kernel) = (weight.shape[0], weight.shape[1], weight.shape[2])
    precondition(
      input.shape.rank == 4 && input.shape[1] == inputs, "convTranspose2d \(weight.shape) on \(input.shape)")
    let (height, width) = (input.shape[2], input.shape[3])
    let squares = outputs * kernel * kernel
    let tileRows = min(height, max(1, 256 / width))
    let tiles = (height + tileRows - 1) / tileRows
    return Tensor([input.shape[0], outputs, height * kernel, width * kernel]) { out in
      input.withElements { input in
        weight.withElements { weight in
          parallelFor(
            input.count / (inputs * height * width) * tiles, grain: 1, scratch: squares * tileRows * width
          ) {
            range, products in
            for item in range {
              let (image, tile) = item.quotientAndRemainder(dividingBy: tiles)
              let rows = tile * tileRows..<min(height, (tile + 1) * tileRows)
              let pixels = rows.count * width
              for square in 0..<squares {
                let shift = bias?.withElements { $0[square / (kernel * kernel)] } ?? 0
                cvector_fill(shift, products + square * pixels, pixels)
              }
              multiply(
                MatrixView(start: weight.start, stride: squares, transposed: true),
                MatrixView(
                  start: input.start + image * inputs * height * width + rows.lowerBound * width,
                  stride: height * width), rows: squares, columns: pixels, inner: inputs, accumulating: true,
                into: products, stride: pixels)
              for square in 0..<squares {
                let (output, place) = square.quotientAndRemainder(dividingBy: kernel * kernel)
                let (dy, dx) = place.quotientAndRemainder(dividingBy: kernel)
                for (index, y) in rows.enumerated() {
                  let line = ((image * outputs + output) * height + y) * kernel + dy
                  cvector_scatter(
                    products + square * pixels + index * width, out.start + line * width * kernel + dx, kernel,
                    width)
                }
              }
            }
          }
        }
      }
    }
  }
}
