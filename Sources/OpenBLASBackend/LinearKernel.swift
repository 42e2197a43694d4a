// A matrix product with constant weights, plus a bias.
import Kernels
import Tensors

/// `[…, in]` to `[…, out]`: x · weightᵀ + bias.
struct LinearKernel: Kernel {
  /// `[out, in]`
  let weight: Tensor
  /// `[out]`
  let bias: Tensor?

  init(weight: Tensor, bias: Tensor?) {
    precondition(
      weight.shape.rank == 2 && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "linear with weight \(weight.shape) and bias \(bias?.shape ?? [])")
    self.weight = weight
    self.bias = bias
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let shapes = LinearShapes(weight.shape, on: input.shape)
    let (rows, inputs, outputs) = (shapes.rows, shapes.inputs, shapes.outputs)
    let tileRows = rowsPerTile(rows)
    // Few rows make a single tile of them; then the columns are cut instead.
    let tileColumns = rows <= tileRows ? 256 : outputs
    let across = (outputs + tileColumns - 1) / tileColumns
    let down = (rows + tileRows - 1) / tileRows
    return Tensor(shapes.result) { out in
      input.withElements { input in
        weight.withElements { weight in
          parallelFor(down * across) { range in
            for tile in range {
              let row = tile / across * tileRows
              let column = tile % across * tileColumns
              let (height, width) = (min(tileRows, rows - row), min(tileColumns, outputs - column))
              let target = out.start + row * outputs + column
              bias?.withElements { bias in
                for line in 0..<height {
                  (target + line * outputs).update(from: bias.start + column, count: width)
                }
              }
              multiply(
                MatrixView(start: input.start + row * inputs, stride: inputs),
                MatrixView(start: weight.start + column * inputs, stride: inputs, transposed: true),
                rows: height, columns: width, inner: inputs, accumulating: bias != nil, into: target,
                stride: outputs)
            }
          }
        }
      }
    }
  }
}
