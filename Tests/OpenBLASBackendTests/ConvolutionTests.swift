import Kernels
import OpenBLASBackend
import Tensors
import Testing

/// A convolution's parameters and the input's size.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  let input: Shape
  let weight: Shape
  var stride = 1
  var padding = 0
  var groups = 1

  var testDescription: String {
    "\(input) by \(weight), stride \(stride), padding \(padding), groups \(groups)"
  }
}

@Test(arguments: [
  ConvolutionCase(input: [1, 5, 7, 3], weight: [5, 4, 2, 2]),
  ConvolutionCase(input: [2, 3, 33, 20], weight: [3, 2, 2, 2]),
  ConvolutionCase(input: [1, 2, 2, 3], weight: [2, 1, 3, 3]),
])
func transposedConvolutionMatchesReference(_ example: ConvolutionCase) throws {
  let weight = noise(example.weight, seed: 1)
  let offsets = noise([example.weight[1]], seed: 2)
  let x = noise(example.input, seed: 3)
  for bias in [offsets, nil] {
    let kernel = try OpenBLASBackend().convTranspose2d(
      TransposedConvolutionLayer(site, weight: weight, bias: bias))
    expectClose(kernel(x), DoubleReference.convTranspose2d(x, weight: weight, bias: bias))
  }
}
