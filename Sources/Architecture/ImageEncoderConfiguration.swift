/// The image encoder's shape. Source: sam2/modeling/backbones/image_encoder.py, ImageEncoder.
public struct ImageEncoderConfiguration: Hashable, Sendable, Encodable {
  /// The backbone.
  public var trunk: HieraConfiguration
  /// The feature pyramid.
  public var neck: FpnNeckConfiguration
  /// How many of the lowest-resolution levels are dropped.
  public var scalp = 0
}

/// The backbone's shape. Source: sam2/modeling/backbones/hieradet.py, Hiera.
public struct HieraConfiguration: Hashable, Sendable, Encodable {
  /// Channels of the first stage.
  public var embedDim = 96
  /// Attention heads of the first stage.
  public var numHeads = 1
  /// How many stages begin with query pooling.
  public var qPool = 3
  /// The pooling's stride, `[height, width]`.
  public var qStride = [2, 2]
  /// Blocks per stage.
  public var stages = [2, 3, 16, 3]
  /// Channels grow by this factor at every stage.
  public var dimMul: Float = 2
  /// Heads grow by this factor at every stage.
  public var headMul: Float = 2
  /// Height and width of the background position embedding.
  public var windowPosEmbedBkgSpatialSize = [14, 14]
  /// Window size per stage, in tokens.
  public var windowSpec = [8, 4, 14, 7]
  /// The blocks that attend globally.
  public var globalAttBlocks = [12, 16, 20]

  /// What one block of the backbone is, derived as the official initialiser does.
  public struct Block: Hashable, Sendable {
    /// Channels in.
    public let dim: Int
    /// Channels out.
    public let dimOut: Int
    /// Attention heads.
    public let heads: Int
    /// Window size in tokens; 0 attends globally.
    public let windowSize: Int
    /// Whether queries are pooled by `qStride`.
    public let poolsQueries: Bool
  }

  /// The index of every stage's last block.
  public var stageEnds: [Int] { stages.indices.map { stages[...$0].reduce(0, +) - 1 } }

  /// Every block in order. A stage's first block still has the previous stage's window.
  public var blocks: [Block] {
    var dim = embedDim
    var heads = numHeads
    var stage = 0
    let ends = stageEnds
    let pooled = ends.dropLast().prefix(qPool).map { $0 + 1 }
    return (0..<stages.reduce(0, +)).map { index in
      let window = globalAttBlocks.contains(index) ? 0 : windowSpec[stage]
      var dimOut = dim
      if ends.contains(index - 1) {
        dimOut = Int(Float(dim) * dimMul)
        heads = Int(Float(heads) * headMul)
        stage += 1
      }
      defer { dim = dimOut }
      return Block(
        dim: dim, dimOut: dimOut, heads: heads, windowSize: window, poolsQueries: pooled.contains(index))
    }
  }

  /// Output channels of every stage, lowest resolution first.
  public var channelList: [Int] {
    let blocks = blocks
    return stageEnds.reversed().map { blocks[$0].dimOut }
  }
}

/// The feature pyramid's shape. Source: sam2/modeling/backbones/image_encoder.py, FpnNeck.
public struct FpnNeckConfiguration: Hashable, Sendable, Encodable {
  /// The position encoding of every level.
  public var positionEncoding: SinePositionConfiguration
  /// Channels of every level.
  public var dModel = 256
  /// Channels that come in, lowest resolution first.
  public var backboneChannelList: [Int]
  /// Size of the lateral convolutions.
  public var kernelSize = 1
  /// Their stride.
  public var stride = 1
  /// Their padding.
  public var padding = 0
  /// Levels that receive the level below, resized; nil for all.
  public var fpnTopDownLevels: [Int]?
  /// How the level below is resized: `nearest`, `bilinear` or `bicubic`.
  public var fpnInterpModel = "bilinear"
  /// `sum` or `avg`.
  public var fuseType = "sum"

  /// Whether a level, 0 the finest, is its stage's convolution and nothing more, and is added to no other.
  public func isLateralAlone(_ level: Int) -> Bool {
    guard let fpnTopDownLevels else { return backboneChannelList.count == 1 }
    return !fpnTopDownLevels.contains(level) && !fpnTopDownLevels.contains(level - 1)
  }
}

/// A sine position encoding. Source: sam2/modeling/position_encoding.py, PositionEmbeddingSine.
public struct SinePositionConfiguration: Hashable, Sendable, Encodable {
  /// Channels, half of them for y, half for x.
  public var numPosFeats: Int
  /// The base of the frequencies.
  public var temperature: Float = 10000
  /// Whether positions are scaled by the map's size.
  public var normalize = true
  /// What normalised positions are multiplied with; nil for 2π.
  public var scale: Float?
}

extension ImageEncoderConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.backbones.image_encoder.ImageEncoder")
    trunk = try HieraConfiguration(reader.child("trunk"))
    neck = try FpnNeckConfiguration(reader.child("neck"))
    scalp = try reader.int("scalp", default: 0)
    try reader.finish()
    guard trunk.channelList == neck.backboneChannelList else {
      throw .inconsistent(
        origin: reader.origin,
        reason: "the trunk's stages have \(trunk.channelList) channels, but the neck's "
          + "backbone_channel_list says \(neck.backboneChannelList)")
    }
    guard (0..<trunk.stages.count).contains(scalp) else {
      throw .inconsistent(
        origin: reader.origin, reason: "scalp \(scalp) drops every one of the \(trunk.stages.count) levels")
    }
  }
}

extension HieraConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.backbones.hieradet.Hiera")
    embedDim = try reader.int("embed_dim", in: ConfigurationReader.positives, default: embedDim)
    numHeads = try reader.int("num_heads", in: ConfigurationReader.positives, default: numHeads)
    // Stochastic depth and the choice of outputs act in training alone, as far as SAM 2 uses them.
    _ = try reader.float("drop_path_rate", default: 0)
    guard try reader.bool("return_interm_layers", default: true) else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("return_interm_layers"), expected: "true", found: "false")
    }
    qPool = try reader.int("q_pool", default: qPool)
    qStride = try reader.ints("q_stride", in: 1...16, default: qStride)
    stages = try reader.ints("stages", in: ConfigurationReader.layers, default: stages)
    dimMul = try reader.float("dim_mul", default: dimMul)
    headMul = try reader.float("head_mul", default: headMul)
    windowPosEmbedBkgSpatialSize = try reader.ints(
      "window_pos_embed_bkg_spatial_size", in: ConfigurationReader.positives,
      default: windowPosEmbedBkgSpatialSize)
    windowSpec = try reader.ints("window_spec", in: 0...256, default: windowSpec)
    globalAttBlocks = try reader.ints("global_att_blocks", default: globalAttBlocks)
    try reader.finish()
    guard stages.count == windowSpec.count, (1...8).contains(stages.count), stages.allSatisfy({ $0 > 0 }) else {
      throw .inconsistent(
        origin: reader.origin,
        reason: "\(stages.count) stages \(stages) need as many windows, found \(windowSpec)")
    }
    guard qStride.count == 2, qStride[0] == qStride[1] else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("q_stride"), expected: "two equal numbers", found: "\(qStride)")
    }
    guard windowPosEmbedBkgSpatialSize.count == 2 else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("window_pos_embed_bkg_spatial_size"), expected: "two numbers",
        found: "\(windowPosEmbedBkgSpatialSize)")
    }
    guard (0..<stages.count).contains(qPool) else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("q_pool"), expected: "0 to \(stages.count - 1)",
        found: "\(qPool)")
    }
    for (key, first, factor) in [("dim_mul", embedDim, dimMul), ("head_mul", numHeads, headMul)] {
      var grown = first
      for _ in stages.dropFirst() {
        let next = Float(grown) * factor
        guard next >= 1, next <= Float(ConfigurationReader.counts.upperBound) else {
          throw .wrongValue(
            origin: reader.origin, key: reader.name(key), expected: "a factor that \(first) can grow by",
            found: "\(factor)")
        }
        grown = Int(next)
      }
    }
    for block in blocks where block.poolsQueries && block.windowSize % qStride[0] != 0 {
      throw .inconsistent(
        origin: reader.origin,
        reason: "a window of \(block.windowSize) tokens can't be pooled by the q_stride \(qStride[0])")
    }
    for block in blocks where block.dimOut % block.heads != 0 {
      throw .inconsistent(
        origin: reader.origin, reason: "\(block.heads) heads don't divide \(block.dimOut) channels")
    }
  }
}

extension FpnNeckConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.backbones.image_encoder.FpnNeck")
    positionEncoding = try SinePositionConfiguration(reader.child("position_encoding"))
    dModel = try reader.int("d_model", in: ConfigurationReader.positives)
    backboneChannelList = try reader.ints("backbone_channel_list")
    kernelSize = try reader.int("kernel_size", in: ConfigurationReader.positives, default: kernelSize)
    stride = try reader.int("stride", in: ConfigurationReader.positives, default: stride)
    padding = try reader.int("padding", default: padding)
    fpnTopDownLevels = try reader.intsIfPresent("fpn_top_down_levels")
    fpnInterpModel = try reader.string("fpn_interp_model", default: fpnInterpModel)
    fuseType = try reader.string("fuse_type", default: fuseType)
    try reader.finish()
    guard ["nearest", "bilinear", "bicubic"].contains(fpnInterpModel) else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("fpn_interp_model"), expected: "nearest, bilinear or bicubic",
        found: fpnInterpModel)
    }
    guard stride == 1, kernelSize == 2 * padding + 1 else {
      throw .inconsistent(
        origin: reader.origin,
        reason:
          "the neck's kernel_size \(kernelSize), stride \(stride) and padding \(padding) change a level's size"
      )
    }
    guard ["sum", "avg"].contains(fuseType) else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("fuse_type"), expected: "sum or avg", found: fuseType)
    }
  }
}

extension SinePositionConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.position_encoding.PositionEmbeddingSine")
    numPosFeats = try reader.int("num_pos_feats", in: ConfigurationReader.positives)
    temperature = try reader.float("temperature", default: temperature)
    normalize = try reader.bool("normalize", default: normalize)
    let scale = try reader.float("scale", default: 0)
    self.scale = scale == 0 ? nil : scale
    // These warm a CUDA cache.
    _ = try reader.bool("warmup_cache", default: true)
    _ = try reader.int("image_size", default: 1024)
    _ = try reader.ints("strides", default: [])
    try reader.finish()
    guard numPosFeats % 4 == 0 else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("num_pos_feats"), expected: "a multiple of 4",
        found: "\(numPosFeats)"
      )
    }
  }
}
