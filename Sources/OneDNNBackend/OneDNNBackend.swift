// The fast backend: tiles that go through as much of a model as they can while they are in the cache.
import CVector
public import Kernels
import Synchronization
public import Tensors

/// Float32 and bfloat16 by oneDNN's products and CVector's tiles; bytes by CVector's.
public struct OneDNNBackend: Backend {
  /// `onednn`.
  public let name = "onednn"

  /// The library's version, such as `2.6.3`.
  public let version: String

  /// The instruction set of the tiles, such as `amx`.
  public var kernels: String? { String(cString: cvector_instructions_name(cvector_instructions_used())) }

  /// oneDNN's products by implementation; those that aren't `brg` are its slow ways. CVector's own have no such names.
  public var products: [String: Int] {
    switch multiplier {
    case .own: [:]
    case .oneDNN(let primitives): primitives.implementations
    }
  }

  private let multiplier: Multiplier
  /// The precisions that there are of everything; linear layers and convolutions have all.
  private static let supported: [Precision] = [.f32, .bf16]

  /// Whether oneDNN is there and the processor has the vectors to make it faster than the reference: at least AVX2. On Arm
  /// it was not measured, so there the reference stays the first choice.
  public static let isServed: Bool = {
    do throws(OneDNNError) {
      _ = try OneDNNLibrary()
      return cvector_instructions_used() != cvector_portable
    } catch {
      // Whoever named instructions that there aren't is to be told, when the backend is made.
      if case .unknownInstructions = error { return true }
      return false
    }
  }()

  /// bfloat16 where the processor multiplies it at a higher rate than Float32, else Float32.
  public static var fastestPrecision: Precision { cvector_is_bf16_fast() ? .bf16 : .f32 }

  /// What to tell whoever asks for whole numbers where they aren't multiplied at a higher rate than Float32; else nil.
  public static var wholeNumbersNote: String? {
    guard !cvector_is_int8_fast() else { return nil }
    let instructions = String(cString: cvector_int8_instructions_name(cvector_int8_instructions_used()))
    return
      "w8a8 is exact here but not faster than f32: with \(instructions) this processor has no products of bytes "
      + "(AMX or VNNI); w8 gives small weights without rounding inputs"
  }

  /// Loads oneDNN.
  ///
  /// - Throws: As `OneDNNLibrary.init`.
  public init() throws(OneDNNError) {
    let library = try OneDNNLibrary()
    version = library.version
    multiplier = .oneDNN(TilePrimitives(library))
  }

  /// Without oneDNN: all products by CVector's own.
  package init(ownProductsOf version: String) {
    self.version = version
    multiplier = .own
  }

  /// `x · weightᵀ + bias`, in any precision.
  public func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    guard let numbers = Numbers(layer.site.precision) else { return ByteLinearPart(layer) }
    return LinearPart(layer, numbers, by: multiplier)
  }

  /// A 2-d convolution, in any precision.
  public func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    guard let numbers = Numbers(layer.site.precision) else { return ByteConvolutionPart(layer) }
    return ConvolutionPart(layer, numbers)
  }

  /// A transposed convolution whose stride equals its kernel.
  ///
  /// - Throws: `BackendError.unsupportedPrecision`, as the others, for anything but Float32 and bfloat16.
  public func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    TransposedConvolutionPart(layer, try numbers(layer.site))
  }

  /// Normalisation over the last axis, in Float32.
  public func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    _ = try numbers(layer.site)
    return LayerNormPart(norm: NormTile(layer))
  }

  /// Normalisation over axis 1 of `[B, C, H, W]`, in Float32.
  public func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    _ = try numbers(layer.site)
    return ChannelNormPart(norm: NormTile(layer))
  }

  /// Scaled dot-product attention; in w8a8 with queries and keys in 8 bits.
  public func attention(_ site: Site) throws -> any AttentionKernel {
    try AttentionPart(site.precision == .w8a8 ? .inBytes : .of(numbers(site, or: [.w8a8])))
  }

  /// The matrix product over the last two axes, in Float32; leading axes agree.
  public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { matrixProduct(a, b) }

  /// A picture to tokens, which are turned tile by tile; nil for 8 bits.
  public func whole(_ embedding: PatchEmbedding) throws -> (any Kernel<Tensor, Tensor>)? {
    Numbers(embedding.projection.site.precision).map {
      ConvolutionPart(embedding.projection, $0, channelsLast: true)
    }
  }

  /// One convolution with both weights multiplied; nil for 8 bits, different precisions, or where a pixel sees others.
  public func whole(_ level: ProjectedLevel) throws -> (any Kernel<Tensor, Tensor>)? {
    level.folded.map { ConvolutionPart($0.layer, $0.numbers) }
  }

  /// A block of Hiera, tile by tile; nil where ranges of bytes aren't known before.
  public func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    try HieraBlockKernel(block, by: multiplier)
  }

  /// A layer of the memory attention; nil where ranges of bytes aren't known before, or with several heads.
  public func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)? {
    try MemoryLayerKernel(layer, by: multiplier)
  }

  /// A ConvNeXt block; nil where ranges of bytes aren't known before, or its convolution sees several channels.
  public func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    try ConvNeXtBlockKernel(block, by: multiplier)
  }

  /// Convolutions in a row; nil where they have different precisions, or groups.
  public func whole(_ row: ConvolutionRow) throws -> (any Kernel<Tensor, Tensor>)? {
    try ConvolutionRowKernel(row, by: multiplier)
  }

  /// The decoder's transformer, tile by tile; nil where its layers have different precisions, or sizes that no tile has.
  public func whole(_ transformer: TwoWay) throws -> (any Kernel<TwoWay.Input, TwoWay.Output>)? {
    TwoWayKernel(transformer)
  }

  /// The decoder's upscaling, row by row; nil where its layers have different precisions, or sizes that no tile has.
  public func whole(_ upscaling: MaskUpscaling) throws -> (any Kernel<MaskUpscaling.Input, Tensor>)? {
    MaskUpscalingKernel(upscaling)
  }

  private func numbers(_ site: Site, or others: [Precision] = []) throws(BackendError) -> Numbers {
    guard Self.supported.contains(site.precision), let numbers = Numbers(site.precision) else {
      throw .unsupportedPrecision(
        backend: name, layer: site.path, supported: Self.supported + others, asked: site.precision)
    }
    return numbers
  }
}
