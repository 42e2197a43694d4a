import Kernels
import Tensors
import Testing

@Test(arguments: [2, 3])
func poolingMatchesPyTorch(kernel: Int) throws {
  let (image, expected) = (try recorded("image"), try recorded("image.pool.\(kernel)"))
  let pooled = image.permuted(0, 2, 3, 1).maxPooledChannelsLast(kernel: kernel)
  #expect(pooled.permuted(0, 3, 1, 2).shape == expected.shape)
  #expect(pooled.permuted(0, 3, 1, 2).elements == expected.elements)
}
