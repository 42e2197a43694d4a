// The layers of a model, without anything to compute them.
import Kernels
import Synchronization
import Tensors

/// A backend that prepares nothing and keeps the layers that it is given: to look at a model's layers as data.
///
/// Linear layers and convolutions may have any precision, all else floating point.
final class LayerInventory: Backend {
  let name = "quantization"
  let version = "1"

  /// A layer with weights that can be quantized.
  struct Entry: Sendable {
    let site: Site
    let quantized: QuantizedWeight?
  }

  private let found = Mutex<[Entry]>([])

  /// In the order in which the model was built.
  var layers: [Entry] { found.withLock { $0 } }

  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    found.withLock { $0.append(Entry(site: layer.site, quantized: layer.quantized)) }
    return Nothing()
  }

  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    found.withLock { $0.append(Entry(site: layer.site, quantized: layer.quantized)) }
    return Nothing()
  }

  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try floating(layer.site)
  }

  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { try floating(layer.site) }

  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { try floating(layer.site) }

  func attention(_ site: Site) throws -> any AttentionKernel {
    site.precision == .w8a8 ? Nothing() : try floating(site, or: [.w8a8])
  }

  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { preconditionFailure("an inventory multiplies nothing") }

  private func floating(_ site: Site, or others: [Precision] = []) throws(BackendError) -> Nothing {
    guard !site.precision.isQuantized else {
      throw .unsupportedPrecision(
        backend: name, layer: site.path, supported: [.f32, .bf16] + others, asked: site.precision)
    }
    return Nothing()
  }
}

/// What nobody calls.
private struct Nothing: Kernel, AttentionKernel {
  func callAsFunction(_ input: consuming Tensor) -> Tensor { preconditionFailure("nothing was prepared") }

  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    preconditionFailure("nothing was prepared")
  }

  func callAsFunction(packed qkv: Tensor) -> Tensor { preconditionFailure("nothing was prepared") }
}
