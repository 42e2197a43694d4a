public import Tensors

/// What prepares a model's heavy operations: given layers once, at load, it returns kernels ready to call.
///
/// Layouts are PyTorch's: linear layers act on the last axis, convolutions on `[B, C, H, W]`. A layer in a precision that
/// the backend doesn't have is refused at load with `BackendError.unsupportedPrecision`.
public protocol Backend: Sendable {
  /// The name that goes into a trace, such as `openblas`.
  var name: String { get }
  /// The underlying library's version.
  var version: String { get }
  /// Which of its kernels run on this processor, such as `SkylakeX`; nil where there is no choice of them.
  var kernels: String? { get }
  /// How many products were prepared so far, by what the library runs for them, such as `brg:avx512_core`.
  var products: [String: Int] { get }

  /// `x · weightᵀ + bias`: `[…, in]` to `[…, out]`.
  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor>

  /// A 2-d convolution: `[B, in, H, W]` to `[B, out, H′, W′]`.
  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor>

  /// A transposed convolution whose stride equals its kernel: `[B, in, H, W]` to `[B, out, k·H, k·W]`.
  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor>

  /// Normalisation over the last axis.
  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor>

  /// Normalisation over axis 1 of `[B, C, H, W]`.
  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor>

  /// Scaled dot-product attention, softmax(q · kᵀ / √d) · v, of the module at `site`.
  func attention(_ site: Site) throws -> any AttentionKernel

  /// The matrix product over the last two axes, `[…, m, k] × […, k, n]`; leading axes agree.
  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor

  /// A picture to tokens at once, or nil where nothing is gained over its parts.
  func whole(_ embedding: PatchEmbedding) throws -> (any Kernel<Tensor, Tensor>)?

  /// A level's convolution and the projection of its result at once, or nil.
  func whole(_ level: ProjectedLevel) throws -> (any Kernel<Tensor, Tensor>)?

  /// A block of Hiera at once, or nil.
  func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)?

  /// A layer of the memory attention at once, or nil.
  func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)?

  /// A ConvNeXt block at once, or nil.
  func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)?

  /// A row of convolutions at once, or nil.
  func whole(_ row: ConvolutionRow) throws -> (any Kernel<Tensor, Tensor>)?

  /// The decoder's transformer at once, or nil.
  func whole(_ transformer: TwoWay) throws -> (any Kernel<TwoWay.Input, TwoWay.Output>)?

  /// The decoder's upscaling and its product with the masks' weights at once, or nil.
  func whole(_ upscaling: MaskUpscaling) throws -> (any Kernel<MaskUpscaling.Input, Tensor>)?
}

extension Backend {
  /// None to choose from.
  public var kernels: String? { nil }
  /// None whose names the library tells.
  public var products: [String: Int] { [:] }

  /// None.
  public func whole(_ embedding: PatchEmbedding) throws -> (any Kernel<Tensor, Tensor>)? { nil }
  /// None.
  public func whole(_ level: ProjectedLevel) throws -> (any Kernel<Tensor, Tensor>)? { nil }
  /// None.
  public func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? { nil }
  /// None.
  public func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)? { nil }
  /// None.
  public func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)? { nil }
  /// None.
  public func whole(_ row: ConvolutionRow) throws -> (any Kernel<Tensor, Tensor>)? { nil }
  /// None.
  public func whole(_ transformer: TwoWay) throws -> (any Kernel<TwoWay.Input, TwoWay.Output>)? { nil }
  /// None.
  public func whole(_ upscaling: MaskUpscaling) throws -> (any Kernel<MaskUpscaling.Input, Tensor>)? { nil }
}

/// One prepared operation. It may reuse its argument's memory if nobody else holds it.
public protocol Kernel<Input, Output>: Sendable {
  /// What it takes: a tensor, or a struct of several.
  associatedtype Input
  /// What it returns.
  associatedtype Output

  /// Applies the operation.
  func callAsFunction(_ input: consuming Input) -> Output
}

/// Prepared scaled dot-product attention. With no keys there is nothing to attend to, and the result is 0.
public protocol AttentionKernel: Sendable {
  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`. Returns `[B, Nq, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor

  /// Attention straight from the projection's output, `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor
}
