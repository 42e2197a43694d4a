import Kernels
import Tensors
import Testing

@Test(arguments: [2, 3])
func poolingMatchesPyTorch(kernel: Int) throws {
  let (image, expected) = (try recorded("image"), try recorded("image.pool.\(kernel)"))
  #expect(image.maxPooled(kernel: kernel).shape == expected.shape)
  #expect(image.maxPooled(kernel: kernel).elements == expected.elements)
  let channelsLast = image.permuted(0, 2, 3, 1).maxPooledChannelsLast(kernel: kernel)
  #expect(channelsLast.permuted(0, 3, 1, 2).elements == expected.elements)
}
