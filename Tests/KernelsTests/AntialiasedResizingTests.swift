import Kernels
import Tensors
import Testing

@Suite struct AntialiasedResizingTests {
  @Test func sameSizeChangesNothing() {
    let tensor = Tensor([1, 2, 3], [1, 2, 3, 4, 5, 6])
    #expect(tensor.resizedBilinearAntialiased(height: 2, width: 3).elements == tensor.elements)
  }

  @Test func shrinkingToOnePixelWeighsTheWholeRow() {
    // A triangle of support 4 around position 2: weights 0.625, 0.875, 0.875, 0.625 over their sum, 3.
    let resized = Tensor([1, 4], [3, 0, 0, 6]).resizedBilinearAntialiased(height: 1, width: 1)
    #expect(abs(resized.elements[0] - 9 * 0.625 / 3) < 1e-6)
  }

  /// The same down a column, whose width stays.
  @Test func aColumnIsShrunkLikeARow() {
    let resized = Tensor([4, 1], [3, 0, 0, 6]).resizedBilinearAntialiased(height: 1, width: 1)
    #expect(resized.shape == [1, 1] && abs(resized.elements[0] - 9 * 0.625 / 3) < 1e-6)
  }

  @Test func oneRowCanBeEnlarged() {
    let resized = Tensor([1, 1], [7]).resizedBilinearAntialiased(height: 3, width: 2)
    #expect(resized.elements == [7, 7, 7, 7, 7, 7])
  }
}
