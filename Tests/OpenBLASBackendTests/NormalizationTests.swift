import Kernels
import OpenBLASBackend
import Tensors
import Testing

@Test(arguments: [(1, 1), (3, 7), (5, 96), (700, 112)])
func layerNormMatchesReference(rows: Int, channels: Int) throws {
  let (weight, bias) = (noise([channels], seed: 1), noise([channels], seed: 2))
  let x = noise([rows, channels], seed: 3)
  let kernel = try OpenBLASBackend().layerNorm(
    NormLayer(site, weight: weight, bias: bias, epsilon: 1e-6))
  expectClose(
    kernel(x),
    DoubleReference.normalize(
      x, starts: (0..<rows).map { $0 * channels }, stride: 1, weight: weight, bias: bias, epsilon: 1e-6))
}

@Test(arguments: [[1, 1, 1, 1], [2, 5, 3, 7], [1, 17, 20, 31]] as [Shape])
func layerNorm2dMatchesReference(shape: Shape) throws {
  let (channels, pixels) = (shape[1], shape[2] * shape[3])
  let (weight, bias) = (noise([channels], seed: 1), noise([channels], seed: 2))
  let x = noise(shape, seed: 3)
  let starts = (0..<shape[0] * pixels).map { $0 / pixels * channels * pixels + $0 % pixels }
  let kernel = try OpenBLASBackend().layerNorm2d(
    NormLayer(site, weight: weight, bias: bias, epsilon: 1e-6))
  expectClose(
    kernel(x),
    DoubleReference.normalize(x, starts: starts, stride: pixels, weight: weight, bias: bias, epsilon: 1e-6))
}
