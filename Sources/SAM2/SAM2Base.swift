public import Architecture
public import Kernels
public import Taps
public import Tensors

/// Which of a model's modules are built.
public enum ModelParts: Sendable {
  /// All of them.
  case all
  /// What predicts masks in a picture that is embedded already: the prompt encoder and the mask decoder. The weights of
  /// others aren't read.
  case decoder
}

/// A SAM 2 model: the root of the module tree.
/// Source: sam2/modeling/sam2_base.py, SAM2Base.
public struct SAM2Base: Sendable {
  /// What it was built from.
  public let configuration: ModelConfiguration
  /// What computes it.
  public let backend: any Backend
  /// Which layer is computed how.
  public let plan: PrecisionPlan
  /// All layers, in the order in which they were built.
  public let layers: [Site]
  /// The modules that were built, whose calls can be recorded.
  public let modules: [ModulePath]
  /// The modules that the backend runs as one where nobody looks inside, and those inside.
  private let boundWholes: [(path: ModulePath, inside: [ModulePath])]

  /// What a picture model lacks, and one of the decoder alone.
  private struct Memory: Sendable {
    let attention: MemoryAttention
    let encoder: MemoryEncoder
  }

  private let image: ImageEncoder?
  private let memory: Memory?
  var imageEncoder: ImageEncoder {
    guard let image else { preconditionFailure("a model of the decoder alone has no encoders") }
    return image
  }
  var memoryAttention: MemoryAttention { ownMemory.attention }
  var memoryEncoder: MemoryEncoder { ownMemory.encoder }
  /// Whether the weights are those of a picture model, without what tracking needs: transformers' `Sam2Model`.
  public let isPictureModel: Bool
  let promptEncoder: PromptEncoder
  let maskDecoder: MaskDecoder
  /// Brings a mask prompt to the size of the decoder's masks, `[B, 1, S, S]` to `[B, 1, S / 4, S / 4]`, where the model
  /// has object pointers.
  let maskDownsample: Conv2d?
  /// From the mask decoder's token to an object pointer, `[…, C]` to `[…, C]`.
  let objPtrProj: any Module<Tensor, Tensor>
  /// From the sine of a pointer's distance in time to what its memory tokens get added, `[…, C]` to `[…, memDim]`, or
  /// unchanged where the model has no projection.
  let objPtrTposProj: any Module<Tensor, Tensor>
  /// What a memory gets added for its distance in time, `[numMaskmem, 1, 1, memDim]`.
  let maskmemTposEnc: Tensor
  /// Memories' positions in space and time by age, each per grid.
  let memoryPositions: [GridCache]
  /// What features get added that have no memory, `[1, C, 1, 1]`.
  let noMemEmbed: Tensor
  /// The pointer to an absent object, `[1, C]`, where the model predicts presence and has pointers.
  let noObjPtr: Tensor?
  /// What the memory of an absent object gets added, `[1, memDim]`, where the model has it.
  let noObjEmbedSpatial: Tensor?

  /// Builds the model and prepares its kernels.
  ///
  /// - Parameters:
  ///   - configuration: the architecture, which the weights must fit exactly: names, shapes, and nothing else. What only
  ///     tracking needs may be missing, all of it.
  ///   - weights: where the tensors come from. Memory-mapped Float32 weights are not copied.
  ///   - backend: what computes the heavy operations.
  ///   - plan: which layer is computed how; Float32 throughout unless told otherwise.
  ///   - parts: which modules to build. One without encoders traps if it is given a picture or a video.
  /// - Throws: `SAM2Error.wrongModel`, `SAM2Error.planWithoutLayer`, what the source throws when a tensor can't be read,
  ///   what the backend throws for a precision that it doesn't have.
  public init(
    _ configuration: ModelConfiguration, weights: any WeightSource, backend: any Backend,
    plan: PrecisionPlan = PrecisionPlan(), parts: ModelParts = .all
  ) throws {
    isPictureModel = try Self.check(weights, fit: configuration)
    self.configuration = configuration
    self.backend = backend
    self.plan = plan
    let loader = WeightLoader(source: weights, backend: backend, plan: plan)
    let root = Scope(loader: loader)
    let (dim, memDim) = (configuration.hiddenDim, configuration.memDim)
    let hasPointers = configuration.useObjPtrsInEncoder && !isPictureModel
    var image =
      parts == .decoder
      ? nil
      : try ImageEncoder(configuration.imageEncoder, imageSize: configuration.imageSize, root("image_encoder"))
    memory =
      parts == .decoder || isPictureModel
      ? nil
      : Memory(
        attention: try MemoryAttention(configuration.memoryAttention, root("memory_attention")),
        encoder: try MemoryEncoder(configuration.memoryEncoder, root("memory_encoder")))
    promptEncoder = try PromptEncoder(
      dim, imageSize: configuration.imageSize, embeddingSize: configuration.imageEmbeddingSize,
      root("sam_prompt_encoder"))
    maskDecoder = try MaskDecoder(configuration, root("sam_mask_decoder"))
    try image?.bind(projections: maskDecoder.projections, of: backend)
    self.image = image
    maskDownsample = hasPointers ? try Conv2d(1, 1, kernel: 4, stride: 4, root("mask_downsample")) : nil
    let projection = root("obj_ptr_proj")
    objPtrProj =
      isPictureModel ? Identity(path: projection.path) : try Self.pointerProjection(configuration, projection)
    let tpos = root("obj_ptr_tpos_proj")
    objPtrTposProj =
      configuration.projTposEncInObjPtrs && !isPictureModel
      ? try Linear(dim, memDim, tpos) : Identity(path: tpos.path)
    maskmemTposEnc =
      isPictureModel
      ? Tensor([0, 1, 1, memDim], [])
      : try root.parameter("maskmem_tpos_enc", [configuration.numMaskmem, 1, 1, memDim])
    memoryPositions = (0..<configuration.numMaskmem).map { _ in GridCache() }
    noMemEmbed = try root.parameter("no_mem_embed", [1, 1, dim]).reshaped([1, dim, 1, 1])
    // The position of a token for no memory, to which no predictor here attends.
    if !isPictureModel { _ = try root.parameter("no_mem_pos_enc", [1, 1, dim]) }
    noObjPtr =
      configuration.predObjScores && hasPointers ? try root.parameter("no_obj_ptr", [1, dim]) : nil
    noObjEmbedSpatial =
      configuration.noObjEmbedSpatial && !isPictureModel
      ? try root.parameter("no_obj_embed_spatial", [1, memDim]) : nil
    layers = loader.sites
    boundWholes = loader.wholes
    modules = loader.modules
    guard parts == .all else { return }
    try loader.requireAllTaken()
    try plan.check(against: layers)
  }

  private var ownMemory: Memory {
    guard let memory else { preconditionFailure("a picture model, or one of the decoder alone, has no memory") }
    return memory
  }

  /// The modules that the backend runs as one where nobody looks inside, by name.
  public var wholes: [ModulePath] { wholes(notTakenApartBy: nil) }

  /// Those that are left where calls that pass a filter are recorded.
  ///
  /// - Parameter filter: nil where nothing is.
  public func wholes(notTakenApartBy filter: TapFilter?) -> [ModulePath] {
    boundWholes.filter { whole in
      filter.map { filter in !whole.inside.contains { filter.asksFor($0) } } ?? true
    }.map(\.path).sorted { $0.name < $1.name }
  }

  private static func pointerProjection(
    _ configuration: ModelConfiguration, _ scope: Scope
  ) throws -> any Module<Tensor, Tensor> {
    let dim = configuration.hiddenDim
    guard configuration.useObjPtrsInEncoder else { return Identity(path: scope.path) }
    guard configuration.useMlpForObjPtrProj else { return try Linear(dim, dim, scope) }
    return try MLP(dim, hidden: dim, dim, layers: 3, activation: ReLU.init(path:), scope)
  }

  /// Sees that names and shapes are exactly those of a configuration, without reading a tensor.
  ///
  /// - Returns: Whether what only tracking needs is missing, all of it.
  /// - Throws: `SAM2Error.wrongModel`.
  @discardableResult public static func check(
    _ weights: any WeightSource, fit configuration: ModelConfiguration
  ) throws(SAM2Error) -> Bool {
    let shapes = weights.shapes
    let difference = LayoutDifference(shapes, against: StateDictLayout(configuration))
    guard difference.isEmpty || difference.isOfPictureModel else {
      throw .wrongModel(
        origin: weights.origin, difference: difference, looksLike: Recognition(shapes).summary)
    }
    return difference.isOfPictureModel
  }

  /// Features `[B, C, H, W]` of a prepared picture, highest resolution first, the finer two projected for the
  /// mask decoder where it uses them.
  func forwardImage(_ image: Tensor, _ run: Run) -> [Tensor] {
    projected(imageEncoder(image, run).backboneFPN, run)
  }

  /// The levels with those projected that aren't yet.
  func projected(_ levels: [Tensor], _ run: Run) -> [Tensor] {
    levels.enumerated().map { level, features in
      let projections = maskDecoder.projections
      guard level < projections.count, !imageEncoder.isProjected(level, run) else { return features }
      return projections[level](features, run)
    }
  }
}
