public import Architecture
public import Kernels
public import Tensors

/// A SAM 2 model: the root of the module tree, with the parts that a picture needs.
/// Source: sam2/modeling/sam2_base.py, SAM2Base.
public struct SAM2Base: Sendable {
  /// What it was built from.
  public let configuration: ModelConfiguration
  /// What computes it.
  public let backend: any Backend

  let imageEncoder: ImageEncoder
  let promptEncoder: PromptEncoder
  let maskDecoder: MaskDecoder
  /// `[1, C, 1, 1]`.
  let noMemEmbed: Tensor

  /// Builds the model and prepares its kernels.
  ///
  /// - Parameters:
  ///   - configuration: the architecture, which the weights must fit exactly: names, shapes, and nothing else.
  ///   - weights: where the tensors come from. Memory-mapped Float32 weights are not copied.
  ///   - backend: what computes the heavy operations.
  /// - Throws: `SAM2Error.wrongModel`, or what the source throws when a tensor can't be read.
  public init(
    _ configuration: ModelConfiguration, weights: any WeightSource, backend: any Backend
  ) throws {
    try Self.check(weights, fit: configuration)
    self.configuration = configuration
    self.backend = backend
    let loader = WeightLoader(source: weights, backend: backend)
    let root = Scope(loader: loader)
    let dim = configuration.hiddenDim
    imageEncoder = try ImageEncoder(
      configuration.imageEncoder, imageSize: configuration.imageSize, root("image_encoder"))
    promptEncoder = try PromptEncoder(
      dim, imageSize: configuration.imageSize, embeddingSize: configuration.imageEmbeddingSize,
      root("sam_prompt_encoder"))
    maskDecoder = try MaskDecoder(configuration, root("sam_mask_decoder"))
    noMemEmbed = try root.parameter("no_mem_embed", [1, 1, dim]).reshaped([1, dim, 1, 1])
    try loader.requireAllTaken(below: ["image_encoder", "sam_prompt_encoder", "sam_mask_decoder"])
  }

  /// Sees that names and shapes are exactly those of a configuration, without reading a tensor.
  ///
  /// - Throws: `SAM2Error.wrongModel`.
  public static func check(
    _ weights: any WeightSource, fit configuration: ModelConfiguration
  ) throws(SAM2Error) {
    let shapes = weights.shapes
    let difference = LayoutDifference(shapes, against: StateDictLayout(configuration))
    guard difference.isEmpty else {
      throw .wrongModel(
        origin: weights.origin, difference: difference, looksLike: Recognition(shapes).summary)
    }
  }

  /// Features `[B, C, H, W]` of a prepared picture, highest resolution first, the finer two projected for the
  /// mask decoder where it uses them.
  func forwardImage(_ image: Tensor, _ run: Run) -> [Tensor] {
    maskDecoder.projectHighRes(imageEncoder(image, run).backboneFPN, run)
  }
}
