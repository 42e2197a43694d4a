// The reference backend: Float32, matrix products by OpenBLAS, everything else plain loops; layers of whole numbers too.
import COpenBLAS
public import Kernels
public import Tensors

/// Float32 kernels on OpenBLAS, and layers in whole numbers, written to be read and trusted.
///
/// OpenBLAS runs on one thread per call; the work is cut into tiles by shape, so that a result has the same
/// bits at any number of threads.
public struct OpenBLASBackend: Backend {
  /// `openblas`.
  public let name = "openblas"

  /// The library's version, such as `0.3.21`.
  public let version: String

  /// The kernels that run, by the processors that they are made for, such as `SkylakeX`.
  public let kernels: String?

  /// Loads OpenBLAS, chooses its kernels and checks that they multiply, once for the whole process, and makes it
  /// single-threaded.
  ///
  /// - Throws: `OpenBLASError` where there is none, or none that multiplies.
  public init() throws(OpenBLASError) {
    let library = try Library.loaded.get()
    copenblas_openblas_set_num_threads(1)
    version = library.version
    kernels = library.kernels
  }

  /// What linear layers and convolutions can be computed in.
  private static let layerPrecisions: [Precision] = [.f32, .w8, .w8a8, .w4]

  /// `x · weightᵀ + bias`: in Float32, or in whole numbers.
  ///
  /// - Throws: `BackendError.unsupportedPrecision`, as the others, for bfloat16 and what is no linear layer or convolution in
  ///   anything but Float32.
  public func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    try require(Self.layerPrecisions, layer.site)
    guard layer.site.precision != .w8a8 else { return WholeNumberLinear(layer) }
    return LinearKernel(weight: layer.weight, bias: layer.bias)
  }

  /// A 2-d convolution: in Float32, or in whole numbers.
  public func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try require(Self.layerPrecisions, layer.site)
    guard layer.site.precision != .w8a8 else { return WholeNumberConvolution(layer) }
    let geometry = ConvolutionGeometry(layer)
    if geometry.outputs == geometry.groups && geometry.inputsPerGroup == 1 {
      return DepthwiseConvolution(weight: layer.weight, bias: layer.bias, geometry: geometry)
    }
    return Convolution(weight: layer.weight, bias: layer.bias, geometry: geometry)
  }

  /// A transposed convolution whose stride equals its kernel.
  public func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try require([.f32], layer.site)
    return TransposedConvolution(layer: layer)
  }

  /// Normalisation over the last axis.
  public func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try require([.f32], layer.site)
    return LayerNormalization(weight: layer.weight, bias: layer.bias, epsilon: layer.epsilon)
  }

  /// Normalisation over axis 1 of `[B, C, H, W]`.
  public func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try require([.f32], layer.site)
    return ChannelNormalization(weight: layer.weight, bias: layer.bias, epsilon: layer.epsilon)
  }

  /// Scaled dot-product attention; in w8a8 with queries and keys in 8 bits.
  public func attention(_ site: Site) throws -> any AttentionKernel {
    try require([.f32, .w8a8], site)
    return site.precision == .w8a8 ? ByteAttention() : ScaledDotProductAttention()
  }

  private func require(_ supported: [Precision], _ site: Site) throws(BackendError) {
    guard supported.contains(site.precision) else {
      throw .unsupportedPrecision(
        backend: name, layer: site.path, supported: supported, asked: site.precision)
    }
  }

  /// The matrix product over the last two axes; leading axes agree.
  public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { matrixProduct(a, b) }
}
