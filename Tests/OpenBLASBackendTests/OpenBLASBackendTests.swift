// What is OpenBLAS' own. That it computes what it should is held by ConformanceTests, as of every backend.
import Kernels
import Tensors
import Testing

@testable import OpenBLASBackend

/// Numbers, such as 0.3.21, which are cut out of a line that says much else.
@Test func versionIsTheLibrarys() throws {
  let parts = try OpenBLASBackend().version.split(separator: ".")
  #expect(parts.count >= 2)
  #expect(parts.first.flatMap { Int($0) } != nil)
}

@Test func theLibraryHereMultipliesAndNamesItsKernels() throws {
  let kernels = try #require(try OpenBLASBackend().kernels)
  #expect(!kernels.isEmpty && !kernels.contains(" "))
}

/// The general convolution has the same results, one small product of matrices for each channel.
@Test(arguments: [([4, 1, 3, 3], true), ([8, 1, 3, 3], false), ([4, 2, 3, 3], false)])
func channelsThatAreEachByThemselvesHaveAKernelOfTheirOwn(weight: [Int], isByItself: Bool) throws {
  let layer = ConvolutionLayer(
    Site(ModulePath("layer"), precision: .f32), weight: Tensor(repeating: 0, Shape(weight)), bias: nil,
    padding: 1, groups: 4)
  let kernel = try OpenBLASBackend().conv2d(layer)
  let isDepthwise = kernel is DepthwiseConvolution
  #expect(isDepthwise == isByItself)
}
