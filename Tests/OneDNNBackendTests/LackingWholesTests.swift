// Modules that no tile fits: they have no whole, and run in their parts.
import Kernels
import OneDNNBackend
import Tensors
import Testing

@Suite struct LackingWholesTests {
  private let backend: any Backend

  init() throws { backend = try OneDNNBackend() }

  /// An upscaling from so many channels to so many and so many, of kernels of these sizes.
  private func upscaling(
    _ precision: Precision, _ channels: [Int], kernels: [Int] = [2, 2]
  ) -> MaskUpscaling {
    let site = Site(ModulePath("layer"), precision: precision)
    let layers = (0..<2).map { index in
      let weight: Shape = [channels[index], channels[index + 1], kernels[index], kernels[index]]
      return TransposedConvolutionLayer(site, weight: Tensor(repeating: 1, weight), bias: nil)
    }
    let ones = Tensor(repeating: 1, [channels[1]])
    return MaskUpscaling(
      conv0: layers[0], norm1: NormLayer(site, weight: ones, bias: ones, epsilon: 1e-6), conv3: layers[1])
  }

  @Test(arguments: [Precision.f32, .bf16]) func upscalingHasKernelsOfTwoByTwo(precision: Precision) throws {
    #expect(try backend.whole(upscaling(precision, [8, 4, 2])) != nil)
    #expect(try backend.whole(upscaling(precision, [8, 4, 2], kernels: [3, 2])) == nil)
    #expect(try backend.whole(upscaling(precision, [8, 4, 2], kernels: [2, 3])) == nil)
  }

  @Test func upscalingInPairsTakesEvenChannels() throws {
    for channels in [[7, 4, 2], [8, 3, 2]] {
      #expect(try backend.whole(upscaling(.bf16, channels)) == nil, "\(channels)")
      #expect(try backend.whole(upscaling(.f32, channels)) != nil, "\(channels)")
    }
  }
}
