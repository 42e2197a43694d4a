import Kernels
import OpenBLASBackend
import Tensors
import Testing

/// Rows below, at and above a tile; outputs below and above a column tile.
@Test(arguments: [(1, 3, 2), (7, 33, 5), (9, 256, 700), (131, 17, 19), (2100, 24, 31)])
func linearMatchesReference(rows: Int, inputs: Int, outputs: Int) throws {
  let weight = noise([outputs, inputs], seed: 1)
  let offsets = noise([outputs], seed: 2)
  let x = noise([rows, 1, inputs], seed: 3)
  for bias in [offsets, nil] {
    let kernel = try OpenBLASBackend().linear(LinearLayer(site, weight: weight, bias: bias))
    expectClose(kernel(x), DoubleReference.linear(x, weight: weight, bias: bias))
  }
}
