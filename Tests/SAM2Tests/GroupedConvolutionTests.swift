// Convolutions in groups, strided and with a bias, as PyTorch has them: recorded by tools/fixtures/make_operations.py.
import Foundation
import Kernels
import OpenBLASBackend
import Tensors
import Testing
import TestSupport

private struct Recorded: Decodable {
  struct Numbers: Decodable {
    let shape: [Int]
    let values: [Float]
    var tensor: Tensor { Tensor(Shape(shape), values) }
  }

  struct Convolution: Decodable {
    let input: Numbers
    let weight: Numbers
    let bias: Numbers
    let result: Numbers
  }

  let convolutions: [Convolution]
}

@Test func convolutionsInGroupsAreThoseOfPyTorch() throws {
  let file = TestFiles.package("Tests/VerificationTests/Fixtures/operations.json")
  let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: URL(filePath: file)))
  let backend = try OpenBLASBackend()
  // Stride, padding and groups; the last is a transposed convolution.
  let settings = [(1, 1, 3), (2, 1, 4), (1, 0, 1), (1, 0, 1)]
  try #require(recorded.convolutions.count == 5)
  for (convolution, (stride, padding, groups)) in zip(recorded.convolutions, settings) {
    for hasBias in [true, false] {
      let (bias, expected) = (convolution.bias.tensor, convolution.result.tensor)
      let kernel = try backend.conv2d(
        ConvolutionLayer(
          Site(ModulePath("conv")), weight: convolution.weight.tensor, bias: hasBias ? bias : nil,
          stride: stride,
          padding: padding, groups: groups))
      let found = kernel(convolution.input.tensor)
      try #require(found.shape == expected.shape)
      let pixels = found.shape[2] * found.shape[3]
      let off = found.elements.indices.reduce(Float(0)) { largest, index in
        let added = hasBias ? 0 : bias.elements[index / pixels % bias.count]
        return max(largest, abs(found.elements[index] + added - expected.elements[index]))
      }
      #expect(off < 2e-5, "\(groups) groups")
    }
  }
  let last = recorded.convolutions[4]
  let transposed = try backend.convTranspose2d(
    TransposedConvolutionLayer(Site(ModulePath("up")), weight: last.weight.tensor, bias: last.bias.tensor))
  let (found, expected) = (transposed(last.input.tensor), last.result.tensor)
  #expect(found.shape == expected.shape)
  #expect(zip(found.elements, expected.elements).allSatisfy { abs($0 - $1) < 2e-5 })
}
