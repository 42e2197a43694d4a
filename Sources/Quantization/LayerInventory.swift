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

  /// A norm whose result is given to linear layers and to nothing else, as it is.
  struct NormedLayers: Sendable {
    let norm: ModulePath
    let layers: [ModulePath]

    init(_ norm: NormLayer, _ layers: [LinearLayer?]) {
      self.norm = norm.site.path
      self.layers = layers.compactMap { $0?.site.path }
    }
  }

  private let found = Mutex<[Entry]>([])
  private let pairs = Mutex<[NormedLayers]>([])

  /// In the order in which the model was built.
  var layers: [Entry] { found.withLock { $0 } }

  /// What the modules' structure says, in the order in which the model was built.
  ///
  /// Not among them are norms whose result is also added to something, as in the decoder, or has positions added.
  var normed: [NormedLayers] { pairs.withLock { $0 } }

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

  func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    pairs.withLock { pairs in
      pairs.append(NormedLayers(block.norm1, [block.qkv, block.shortcut]))
      pairs.append(NormedLayers(block.norm2, [block.mlp.layers.first]))
    }
    return nil
  }

  func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)? {
    pairs.withLock { pairs in
      let itself = layer.selfAttention
      if !layer.adds.selfAttention { pairs.append(NormedLayers(layer.norm1, [itself.q, itself.k, itself.v])) }
      if !layer.adds.queries { pairs.append(NormedLayers(layer.norm2, [layer.crossAttention.q])) }
      pairs.append(NormedLayers(layer.norm3, [layer.mlp.layers.first]))
    }
    return nil
  }

  func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    pairs.withLock { $0.append(NormedLayers(block.norm, [block.mlp.layers.first])) }
    return nil
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
