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
  // The kinds that SAM 2 has, small and odd.
  ConvolutionCase(input: [1, 3, 37, 29], weight: [5, 3, 7, 7], stride: 4, padding: 3),
  ConvolutionCase(input: [2, 6, 9, 11], weight: [4, 6, 1, 1]),
  ConvolutionCase(input: [1, 6, 31, 33], weight: [4, 6, 1, 1]),
  ConvolutionCase(input: [2, 4, 9, 7], weight: [3, 4, 2, 2], stride: 2),
  ConvolutionCase(input: [1, 4, 13, 10], weight: [6, 4, 3, 3], stride: 2, padding: 1),
  ConvolutionCase(input: [1, 2, 50, 45], weight: [3, 2, 3, 3], padding: 1),
  ConvolutionCase(input: [2, 5, 13, 9], weight: [5, 1, 7, 7], padding: 3, groups: 5),
  ConvolutionCase(input: [1, 3, 8, 8], weight: [3, 1, 3, 3], stride: 2, padding: 1, groups: 3),
  // Groups that are neither one nor all, and outside pixels a whole kernel wide.
  ConvolutionCase(input: [2, 6, 8, 5], weight: [4, 3, 3, 3], padding: 1, groups: 2),
  ConvolutionCase(input: [2, 6, 8, 5], weight: [4, 3, 1, 1], groups: 2),
  ConvolutionCase(input: [1, 1, 2, 1], weight: [2, 1, 3, 5], padding: 5),
])
func convolutionMatchesReference(_ example: ConvolutionCase) {
  let weight = noise(example.weight, seed: 1)
  let bias = noise([example.weight[0]], seed: 2)
  let x = noise(example.input, seed: 3)
  for bias in [bias, nil] {
    let kernel = OpenBLASBackend().conv2d(
      weight: weight, bias: bias, stride: example.stride, padding: example.padding, groups: example.groups)
    expectClose(
      kernel(x),
      DoubleReference.conv2d(
        x, weight: weight, bias: bias, stride: example.stride, padding: example.padding, groups: example.groups)
    )
  }
}

@Test(
  arguments: [([1, 5, 7, 3], [5, 4, 2, 2]), ([2, 3, 33, 20], [3, 2, 2, 2]), ([1, 2, 2, 3], [2, 1, 3, 3])]
    as [(Shape, Shape)])
func transposedConvolutionMatchesReference(input: Shape, weightShape: Shape) {
  let weight = noise(weightShape, seed: 1)
  let bias = noise([weightShape[1]], seed: 2)
  let x = noise(input, seed: 3)
  for bias in [bias, nil] {
    expectClose(
      OpenBLASBackend().convTranspose2d(weight: weight, bias: bias)(x),
      DoubleReference.convTranspose2d(x, weight: weight, bias: bias))
  }
}
