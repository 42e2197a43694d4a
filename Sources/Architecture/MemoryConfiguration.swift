/// The memory attention's shape. Source: sam2/modeling/memory_attention.py, MemoryAttention.
public struct MemoryAttentionConfiguration: Hashable, Sendable, Encodable {
  /// Channels.
  public var dModel: Int
  /// Whether a tenth of the position encoding is added to the input.
  public var posEncAtInput: Bool
  /// What every layer looks like.
  public var layer: MemoryAttentionLayerConfiguration
  /// How many layers.
  public var numLayers: Int
  /// Whether layers take `[B, N, C]`.
  public var batchFirst = true
}

/// One layer of the memory attention. Source: sam2/modeling/memory_attention.py, MemoryAttentionLayer.
public struct MemoryAttentionLayerConfiguration: Hashable, Sendable, Encodable {
  /// `relu` or `gelu`.
  public var activation: String
  /// Channels.
  public var dModel: Int
  /// Hidden channels of the feed-forward part.
  public var dimFeedforward: Int
  /// Whether positions are added to the self-attention's queries and keys.
  public var posEncAtAttn: Bool
  /// Whether positions are added to the cross-attention's keys.
  public var posEncAtCrossAttnKeys: Bool
  /// Whether positions are added to the cross-attention's queries.
  public var posEncAtCrossAttnQueries: Bool
  /// The self-attention.
  public var selfAttention: RoPEAttentionConfiguration
  /// The cross-attention to the memory.
  public var crossAttention: RoPEAttentionConfiguration
}

/// Attention with rotary positions. Source: sam2/modeling/sam/transformer.py, RoPEAttention.
public struct RoPEAttentionConfiguration: Hashable, Sendable, Encodable {
  /// Channels.
  public var embeddingDim: Int
  /// Attention heads.
  public var numHeads: Int
  /// By how much the projections are narrower than the embedding.
  public var downsampleRate = 1
  /// Channels of keys and values; nil for `embeddingDim`.
  public var kvInDim: Int?
  /// The base of the rotary frequencies.
  public var ropeTheta: Float = 10000
  /// Whether the frequencies repeat over several frames of keys.
  public var ropeKRepeat = false
  /// Width and height of the feature map.
  public var featSizes = [64, 64]
}

/// The memory encoder's shape. Source: sam2/modeling/memory_encoder.py, MemoryEncoder.
public struct MemoryEncoderConfiguration: Hashable, Sendable, Encodable {
  /// Channels of a memory.
  public var outDim: Int
  /// Channels of the image features.
  public var inDim = 256
  /// The position encoding of a memory.
  public var positionEncoding: SinePositionConfiguration
  /// What brings a mask down to the feature map's size.
  public var maskDownsampler: MaskDownSamplerConfiguration
  /// What fuses mask and image features.
  public var fuser: FuserConfiguration
}

/// Source: sam2/modeling/memory_encoder.py, MaskDownSampler.
public struct MaskDownSamplerConfiguration: Hashable, Sendable, Encodable {
  /// Channels out.
  public var embedDim = 256
  /// Size of every convolution.
  public var kernelSize = 4
  /// Stride of every convolution.
  public var stride = 4
  /// Padding of every convolution.
  public var padding = 0
  /// The product of all strides.
  public var totalStride = 16

  /// Channels after each strided convolution.
  public var channels: [Int] {
    var channels = [1]
    var reached = 1
    while reached < totalStride {
      reached *= stride
      channels.append(channels[channels.count - 1] * stride * stride)
    }
    return Array(channels.dropFirst())
  }
}

/// Source: sam2/modeling/memory_encoder.py, Fuser and CXBlock.
public struct FuserConfiguration: Hashable, Sendable, Encodable {
  /// What every layer looks like.
  public var layer: CXBlockConfiguration
  /// How many layers.
  public var numLayers: Int
  /// Channels of the input projection; used with `inputProjection` alone.
  public var dim: Int?
  /// Whether a 1×1 convolution comes first.
  public var inputProjection = false
}

/// Source: sam2/modeling/memory_encoder.py, CXBlock.
public struct CXBlockConfiguration: Hashable, Sendable, Encodable {
  /// Channels.
  public var dim: Int
  /// Size of the spatial convolution.
  public var kernelSize = 7
  /// Its padding.
  public var padding = 3
  /// The initial layer scale; 0 for a block without one.
  public var layerScaleInitValue: Float = 1e-6
  /// Whether the spatial convolution is depthwise.
  public var useDwconv = true
}

extension MemoryAttentionConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_attention.MemoryAttention")
    dModel = try reader.int("d_model")
    posEncAtInput = try reader.bool("pos_enc_at_input")
    layer = try MemoryAttentionLayerConfiguration(reader.child("layer"))
    numLayers = try reader.int("num_layers", in: ConfigurationReader.layers)
    batchFirst = try reader.bool("batch_first", default: batchFirst)
    try reader.finish()
  }
}

extension MemoryAttentionLayerConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_attention.MemoryAttentionLayer")
    activation = try reader.string("activation")
    dModel = try reader.int("d_model")
    dimFeedforward = try reader.int("dim_feedforward")
    _ = try reader.float("dropout", default: 0)  // acts in training alone
    posEncAtAttn = try reader.bool("pos_enc_at_attn")
    posEncAtCrossAttnKeys = try reader.bool("pos_enc_at_cross_attn_keys")
    posEncAtCrossAttnQueries = try reader.bool("pos_enc_at_cross_attn_queries")
    selfAttention = try RoPEAttentionConfiguration(reader.child("self_attention"))
    crossAttention = try RoPEAttentionConfiguration(reader.child("cross_attention"))
    try reader.finish()
    guard ["relu", "gelu"].contains(activation) else {
      throw .wrongValue(
        origin: reader.origin, key: reader.name("activation"), expected: "relu or gelu", found: activation)
    }
  }
}

extension RoPEAttentionConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.sam.transformer.RoPEAttention")
    embeddingDim = try reader.int("embedding_dim")
    numHeads = try reader.int("num_heads")
    downsampleRate = try reader.int("downsample_rate", default: downsampleRate)
    let kvInDim = try reader.int("kv_in_dim", default: 0)
    self.kvInDim = kvInDim == 0 ? nil : kvInDim
    _ = try reader.float("dropout", default: 0)  // acts in training alone
    ropeTheta = try reader.float("rope_theta", default: ropeTheta)
    ropeKRepeat = try reader.bool("rope_k_repeat", default: ropeKRepeat)
    featSizes = try reader.ints("feat_sizes", default: featSizes)
    try reader.finish()
    guard numHeads > 0, downsampleRate > 0, embeddingDim / downsampleRate % numHeads == 0 else {
      throw .inconsistent(
        origin: reader.origin,
        reason:
          "\(reader.name("num_heads")) \(numHeads) doesn't divide \(embeddingDim) / \(downsampleRate) channels")
    }
  }
}

extension MemoryEncoderConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_encoder.MemoryEncoder")
    outDim = try reader.int("out_dim", in: ConfigurationReader.positives)
    inDim = try reader.int("in_dim", default: inDim)
    positionEncoding = try SinePositionConfiguration(reader.child("position_encoding"))
    maskDownsampler = try MaskDownSamplerConfiguration(reader.child("mask_downsampler"))
    fuser = try FuserConfiguration(reader.child("fuser"))
    try reader.finish()
  }
}

extension MaskDownSamplerConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_encoder.MaskDownSampler")
    embedDim = try reader.int("embed_dim", default: embedDim)
    kernelSize = try reader.int("kernel_size", default: kernelSize)
    stride = try reader.int("stride", in: ConfigurationReader.positives, default: stride)
    padding = try reader.int("padding", default: padding)
    totalStride = try reader.int("total_stride", default: totalStride)
    try reader.finish()
    var reached = 1
    while stride > 1 && reached < totalStride { reached *= stride }
    guard reached == totalStride else {
      throw .inconsistent(
        origin: reader.origin,
        reason: "\(reader.name("total_stride")) \(totalStride) is no power of the stride \(stride)")
    }
  }
}

extension FuserConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_encoder.Fuser")
    layer = try CXBlockConfiguration(reader.child("layer"))
    numLayers = try reader.int("num_layers", in: ConfigurationReader.layers)
    let dim = try reader.int("dim", default: 0)
    self.dim = dim == 0 ? nil : dim
    inputProjection = try reader.bool("input_projection", default: inputProjection)
    try reader.finish()
    guard !inputProjection || self.dim != nil else {
      throw .missingKey(
        origin: reader.origin, key: reader.name("dim"), expected: "channels of the input projection")
    }
  }
}

extension CXBlockConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass("modeling.memory_encoder.CXBlock")
    dim = try reader.int("dim")
    kernelSize = try reader.int("kernel_size", default: kernelSize)
    padding = try reader.int("padding", default: padding)
    _ = try reader.float("drop_path", default: 0)  // acts in training alone
    layerScaleInitValue = try reader.float("layer_scale_init_value", default: layerScaleInitValue)
    useDwconv = try reader.bool("use_dwconv", default: useDwconv)
    try reader.finish()
  }
}
