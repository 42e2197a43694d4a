// The reference backend: Float32 throughout, matrix products by OpenBLAS, everything else plain loops.
import COpenBLAS
public import Kernels
public import Tensors

/// Float32 kernels on OpenBLAS, written to be read and trusted.
///
/// OpenBLAS runs on one thread per call; the work is cut into tiles by shape, so that a result has the same
/// bits at any number of threads.
public struct OpenBLASBackend: Backend {
  /// `openblas`.
  public let name = "openblas"

  /// The library's version, such as `0.3.21`.
  public let version: String

  /// Loads OpenBLAS and makes it single-threaded, for the whole process.
  ///
  /// - Throws: `MissingOpenBLAS` where there is none.
  public init() throws(MissingOpenBLAS) {
    if let reason = copenblas_load() { throw MissingOpenBLAS(reason: String(cString: reason)) }
    copenblas_openblas_set_num_threads(1)
    // The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...".
    let words = String(cString: copenblas_openblas_get_config()).split(separator: " ")
    version = words.count > 1 ? String(words[1]) : "unknown"
  }

  /// `x · weightᵀ + bias`. `weight`: `[out, in]`, `bias`: `[out]`.
  public func linear(weight: Tensor, bias: Tensor?) -> any Kernel {
    LinearKernel(weight: weight, bias: bias)
  }

  /// A 2-d convolution. `weight`: `[out, in / groups, kh, kw]`.
  public func conv2d(weight: Tensor, bias: Tensor?, stride: Int, padding: Int, groups: Int) -> any Kernel {
    let geometry = ConvolutionGeometry(weight: weight.shape, stride: stride, padding: padding, groups: groups)
    if weight.shape[0] == groups && weight.shape[1] == 1 {
      return DepthwiseConvolution(weight: weight, bias: bias, geometry: geometry)
    }
    return Convolution(weight: weight, bias: bias, geometry: geometry)
  }

  /// A transposed convolution whose stride equals its kernel. `weight`: `[in, out, k, k]`.
  public func convTranspose2d(weight: Tensor, bias: Tensor?) -> any Kernel {
    TransposedConvolution(weight: weight, bias: bias)
  }

  /// Normalisation over the last axis.
  public func layerNorm(weight: Tensor, bias: Tensor, epsilon: Float) -> any Kernel {
    LayerNormalization(weight: weight, bias: bias, epsilon: epsilon)
  }

  /// Normalisation over axis 1 of `[B, C, H, W]`.
  public func layerNorm2d(weight: Tensor, bias: Tensor, epsilon: Float) -> any Kernel {
    ChannelNormalization(weight: weight, bias: bias, epsilon: epsilon)
  }

  /// Scaled dot-product attention.
  public func attention() -> any AttentionKernel { ScaledDotProductAttention() }

  /// The matrix product over the last two axes; leading axes agree.
  public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { matrixProduct(a, b) }
}

/// There is no OpenBLAS to be loaded.
public struct MissingOpenBLAS: Error, CustomStringConvertible {
  /// The dynamic linker's words.
  public let reason: String

  /// One sentence.
  public var description: String { "OpenBLAS can't be loaded: \(reason)" }
}
