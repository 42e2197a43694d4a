// Tensors of one element, whose axes all are of extent 1 or none: PyTorch's torch.ones(1, 1) + torch.ones(1) has the shape
// [1, 1], torch.tensor(3.) - torch.tensor([2.]) is [1.], and so on.
import Kernels
import Tensors
import Testing

@Test(
  arguments: [
    ([], [], []), ([1], [], [1]), ([], [1], [1]), ([1], [1], [1]), ([1, 1], [1], [1, 1]),
    ([1], [1, 1, 1], [1, 1, 1]),
    ([1, 1], [1, 1], [1, 1]),
  ] as [(Shape, Shape, Shape)])
func oneElementAndOneAreOne(left: Shape, right: Shape, result: Shape) {
  let (a, b) = (Tensor(left, [3]), Tensor(right, [-2]))
  for (found, expected) in [(a + b, Float(1)), (a - b, 5), (a * b, -6)] {
    #expect(found.shape == result && found.elements == [expected])
  }
  #expect((b - a).elements == [-5])
}

/// IEEE 754's: nothing is added to the product, which would make it 0.
@Test func zeroTimesANegativeElementIsNegativeZero() {
  let product = Tensor([1, 1], [0]) * Tensor([1], [-1])
  #expect(product.elements[0] == 0 && product.elements[0].sign == .minus)
}

/// One element beside many, on either side; a difference isn't the same both ways.
@Test func oneElementIsRepeatedOverMany() {
  let (one, many) = (Tensor([1, 1], [10]), Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
  #expect((one - many).elements == [9, 8, 7, 6, 5, 4] && (one - many).shape == [2, 3])
  #expect((many - one).elements == [-9, -8, -7, -6, -5, -4])
  #expect((Tensor([], [2]) * many).elements == [2, 4, 6, 8, 10, 12])
  #expect((many + Tensor([1], [1])).elements == [2, 3, 4, 5, 6, 7])
}

/// Axes of extent 1 among others.
@Test func axesOfOneAmongOthersAreRepeated() {
  let (a, b) = (Tensor([2, 1, 2], [1, 2, 3, 4]), Tensor([1, 3, 1], [10, 20, 30]))
  // numpy: (numpy.arange(1, 5).reshape(2, 1, 2) - numpy.array([10, 20, 30]).reshape(1, 3, 1)).ravel()
  #expect((a - b).elements == [-9, -8, -19, -18, -29, -28, -7, -6, -17, -16, -27, -26])
  #expect((b - a).elements == [9, 8, 19, 18, 29, 28, 7, 6, 17, 16, 27, 26])
  let (empty, row) = (Tensor([0, 2], []), Tensor([2], [1, 2]))
  #expect((empty + row).shape == [0, 2])
}

/// Several images of several channels, larger: PyTorch's nearest takes the pixel at ⌊i · scale⌋.
@Test func everyImageAndChannelIsResizedByItself() {
  let images = positions([2, 3, 2, 2])
  let found = images.resized(to: (4, 2), by: .nearest)
  #expect(found.shape == [2, 3, 4, 2])
  for plane in 0..<6 {
    let first = Float(4 * plane)
    #expect(
      found.elements[8 * plane..<8 * plane + 8] == [
        first, first + 1, first, first + 1, first + 2, first + 3, first + 2, first + 3,
      ])
  }
  let widened = positions([2, 1, 1, 2]).resized(to: (1, 4), by: .bilinear)
  // torch.nn.functional.interpolate(torch.arange(4.).reshape(2, 1, 1, 2), (1, 4), mode="bilinear")
  #expect(widened.elements == [0, 0.25, 0.75, 1, 2, 2.25, 2.75, 3])
}
