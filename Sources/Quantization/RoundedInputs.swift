// Inputs in 8 bits and weights as they are: what rounding inputs does, alone.
public import Kernels
public import Tensors

/// A backend whose layers are another's, the inputs of some of them rounded to 256 steps first.
///
/// Modules are computed by their parts.
public final class RoundedInputs: Backend {
  private let inner: any Backend
  private let layers: Set<String>

  /// Another backend's layers.
  ///
  /// - Parameter layers: whose inputs are rounded: to their site's range, where there is none to that of each input.
  public init(_ inner: any Backend, layers: Set<String>) {
    self.inner = inner
    self.layers = layers
  }

  /// The other backend's.
  public var name: String { inner.name }
  /// The other backend's.
  public var version: String { inner.version }

  /// The other backend's, on a rounded input.
  public func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    rounded(layer.site, try inner.linear(layer))
  }

  /// The other backend's, on a rounded input.
  public func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    rounded(layer.site, try inner.conv2d(layer))
  }

  /// The other backend's.
  public func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try inner.convTranspose2d(layer)
  }

  /// The other backend's.
  public func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { try inner.layerNorm(layer) }

  /// The other backend's.
  public func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try inner.layerNorm2d(layer)
  }

  /// The other backend's.
  public func attention(_ site: Site) throws -> any AttentionKernel { try inner.attention(site) }

  /// The other backend's.
  public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { inner.matmul(a, b) }

  private func rounded(_ site: Site, _ kernel: any Kernel<Tensor, Tensor>) -> any Kernel<Tensor, Tensor> {
    layers.contains(site.path.name) ? OnRoundedInput(kernel: kernel, range: site.input) : kernel
  }
}

/// A kernel on its input's nearest steps.
private struct OnRoundedInput: Kernel {
  let kernel: any Kernel<Tensor, Tensor>
  let range: QuantizedRange?

  func callAsFunction(_ input: consuming Tensor) -> Tensor {
    let exact = input.contiguous()
    return kernel(exact.rounded(to: range ?? QuantizedRange(covering: exact)))
  }
}

extension Tensor {
  /// The number that each element's nearest step stands for; the element itself where there is no range.
  func rounded(to range: QuantizedRange?) -> Tensor {
    guard let range else { return self }
    return withElements { source in
      Tensor(shape) { target in
        for index in source.indices { target[index] = range.number(of: range.quantize(source[index])) }
      }
    }
  }
}
