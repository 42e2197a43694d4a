/// The models that Meta released.
public enum Variant: String, CaseIterable, Sendable, Codable, CustomStringConvertible {
  case sam2Tiny = "sam2_hiera_tiny"
  case sam2Small = "sam2_hiera_small"
  case sam2BasePlus = "sam2_hiera_base_plus"
  case sam2Large = "sam2_hiera_large"
  case sam21Tiny = "sam2.1_hiera_tiny"
  case sam21Small = "sam2.1_hiera_small"
  case sam21BasePlus = "sam2.1_hiera_base_plus"
  case sam21Large = "sam2.1_hiera_large"

  /// The official file's name without `.pt`.
  public var description: String { rawValue }

  /// Whether it is a 2.1 model: these mark occluded memories and project signed pointer distances.
  public var isVersion21: Bool { rawValue.hasPrefix("sam2.1") }

  /// The official configuration. Source: configs/sam2/*.yaml and configs/sam2.1/*.yaml.
  public var configuration: ModelConfiguration {
    var model = ModelConfiguration(
      imageEncoder: ImageEncoderConfiguration(
        trunk: trunk,
        neck: FpnNeckConfiguration(
          positionEncoding: SinePositionConfiguration(numPosFeats: 256),
          backboneChannelList: trunk.channelList, fpnTopDownLevels: [2, 3], fpnInterpModel: "nearest"),
        scalp: 1),
      memoryAttention: .released, memoryEncoder: .released)
    model.imageSize = 1024
    model.sigmoidScaleForMemEnc = 20
    model.sigmoidBiasForMemEnc = -10
    model.useMaskInputAsOutputWithoutSam = true
    model.directlyAddNoMemEmbed = true
    model.useHighResFeaturesInSam = true
    model.multimaskOutputInSam = true
    model.iouPredictionUseSigmoid = true
    model.useObjPtrsInEncoder = true
    model.onlyObjPtrsInThePastForEval = true
    model.predObjScores = true
    model.predObjScoresMlp = true
    model.fixedNoObjPtr = true
    model.multimaskOutputForTracking = true
    model.useMultimaskTokenForObjPtr = true
    model.multimaskMinPtNum = 0
    model.multimaskMaxPtNum = 1
    model.useMlpForObjPtrProj = true
    model.addTposEncToObjPtrs = isVersion21
    model.projTposEncInObjPtrs = isVersion21
    model.useSignedTposEncToObjPtrs = isVersion21
    model.noObjEmbedSpatial = isVersion21
    return model
  }

  private var trunk: HieraConfiguration {
    switch self {
    case .sam2Tiny, .sam21Tiny:
      HieraConfiguration(
        stages: [1, 2, 7, 2], windowPosEmbedBkgSpatialSize: [7, 7], globalAttBlocks: [5, 7, 9])
    case .sam2Small, .sam21Small:
      HieraConfiguration(
        stages: [1, 2, 11, 2], windowPosEmbedBkgSpatialSize: [7, 7], globalAttBlocks: [7, 10, 13])
    case .sam2BasePlus, .sam21BasePlus:
      HieraConfiguration(embedDim: 112, numHeads: 2)
    case .sam2Large, .sam21Large:
      HieraConfiguration(
        embedDim: 144, numHeads: 2, stages: [2, 6, 36, 4], windowPosEmbedBkgSpatialSize: [7, 7],
        windowSpec: [8, 4, 16, 8], globalAttBlocks: [23, 33, 43])
    }
  }
}

extension MemoryAttentionConfiguration {
  /// As every released model has it.
  fileprivate static var released: Self {
    var crossAttention = RoPEAttentionConfiguration(embeddingDim: 256, numHeads: 1)
    crossAttention.kvInDim = 64
    crossAttention.ropeKRepeat = true
    return Self(
      dModel: 256, posEncAtInput: true,
      layer: MemoryAttentionLayerConfiguration(
        activation: "relu", dModel: 256, dimFeedforward: 2048, posEncAtAttn: false, posEncAtCrossAttnKeys: true,
        posEncAtCrossAttnQueries: false,
        selfAttention: RoPEAttentionConfiguration(embeddingDim: 256, numHeads: 1),
        crossAttention: crossAttention),
      numLayers: 4)
  }
}

extension MemoryEncoderConfiguration {
  /// As every released model has it.
  fileprivate static var released: Self {
    Self(
      outDim: 64, positionEncoding: SinePositionConfiguration(numPosFeats: 64),
      maskDownsampler: MaskDownSamplerConfiguration(kernelSize: 3, stride: 2, padding: 1),
      fuser: FuserConfiguration(layer: CXBlockConfiguration(dim: 256), numLayers: 2))
  }
}
