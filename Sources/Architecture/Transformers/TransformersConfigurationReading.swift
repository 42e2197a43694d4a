// The `config.json` of transformers' `Sam2VideoModel` or `Sam2Model`, read.
// Source: transformers 5.24, models/sam2_video/configuration_sam2_video.py and models/sam2/configuration_sam2.py.

extension ModelConfiguration {
  /// Reads transformers' `config.json`.
  ///
  /// Keys that aren't known are left alone, since `save_pretrained` writes dozens that every model has; a known key
  /// with a value that this program can't follow is refused. What is missing is as transformers has it.
  package init(transformers tree: ConfigurationTree, origin: String) throws(ConfigurationError) {
    let root = try ConfigurationReader(tree, origin: origin)
    let type = try root.string("model_type")
    guard ["sam2_video", "sam2"].contains(type) else {
      throw .wrongValue(origin: origin, key: "model_type", expected: "sam2_video or sam2", found: "`\(type)`")
    }
    self = Variant.sam21Tiny.configuration
    imageEncoder = try ImageEncoderConfiguration(transformers: root.child("vision_config"))
    try readPrompts(root)
    try readMemory(root)
    try readTracking(root)
    if let reason = contradiction { throw .inconsistent(origin: origin, reason: reason) }
  }

  /// What only the configuration of a picture model lacks, its prompt encoder's says.
  private mutating func readPrompts(_ root: ConfigurationReader) throws(ConfigurationError) {
    let prompts = try root.child("prompt_encoder_config")
    imageSize = try root.side("image_size", default: prompts.side("image_size", default: 1024))
    backboneStride = try prompts.side("patch_size", default: 16)
    try prompts.require("hidden_size", hiddenDim, default: 256)
    try prompts.require("mask_input_channels", 16)
    try prompts.require("num_point_embeddings", 4)
    try prompts.require("hidden_act", "gelu")
    let decoder = try root.child("mask_decoder_config")
    try decoder.require("hidden_size", hiddenDim, default: 256)
    try decoder.require("mlp_dim", 2048)
    try decoder.require("num_hidden_layers", 2)
    try decoder.require("num_attention_heads", 8)
    try decoder.require("attention_downsample_rate", 2)
    try decoder.require("num_multimask_outputs", 3)
    try decoder.require("iou_head_depth", 3)
    try decoder.require("iou_head_hidden_dim", 256)
    samMaskDecoderExtraArgs = try MaskSelectionConfiguration(transformers: decoder)
  }

  private mutating func readMemory(_ root: ConfigurationReader) throws(ConfigurationError) {
    var attention = RoPEAttentionConfiguration(
      embeddingDim: try root.int("memory_attention_hidden_size", default: 256),
      numHeads: try root.int(
        "memory_attention_num_attention_heads", in: ConfigurationReader.positives, default: 1),
      downsampleRate: try root.int(
        "memory_attention_downsample_rate", in: ConfigurationReader.positives, default: 1))
    attention.featSizes = try root.ints("memory_attention_rope_feat_sizes", default: [64, 64])
    if let rope = try root.childIfPresent("rope_parameters") {
      attention.ropeTheta = try rope.float("rope_theta", default: 10000)
      try rope.require("rope_type", "axial")
    } else {
      attention.ropeTheta = try root.float("memory_attention_rope_theta", default: 10000)
    }
    memoryEncoder.outDim = try root.int(
      "memory_encoder_output_channels", in: ConfigurationReader.positives, default: 64)
    memoryEncoder.inDim = try root.int("memory_encoder_hidden_size", default: 256)
    memoryEncoder.positionEncoding.numPosFeats = memoryEncoder.outDim
    memoryAttention.dModel = attention.embeddingDim
    memoryAttention.numLayers = try root.int(
      "memory_attention_num_layers", in: ConfigurationReader.layers, default: 4)
    memoryAttention.layer.dModel = attention.embeddingDim
    memoryAttention.layer.dimFeedforward = try root.int(
      "memory_attention_feed_forward_hidden_size", default: 2048)
    memoryAttention.layer.activation = try root.string(
      "memory_attention_feed_forward_hidden_act", default: "relu")
    guard ["relu", "gelu"].contains(memoryAttention.layer.activation) else {
      throw .wrongValue(
        origin: root.origin, key: "memory_attention_feed_forward_hidden_act", expected: "relu or gelu",
        found: "`\(memoryAttention.layer.activation)`")
    }
    memoryAttention.layer.selfAttention = attention
    attention.kvInDim = memoryEncoder.outDim
    attention.ropeKRepeat = true
    memoryAttention.layer.crossAttention = attention
    try readMaskDownsampler(root)
    try readFuser(root)
  }

  private mutating func readMaskDownsampler(_ root: ConfigurationReader) throws(ConfigurationError) {
    memoryEncoder.maskDownsampler = MaskDownSamplerConfiguration(
      embedDim: try root.int("mask_downsampler_embed_dim", default: 256),
      kernelSize: try root.int("mask_downsampler_kernel_size", default: 3),
      stride: try root.int("mask_downsampler_stride", in: ConfigurationReader.positives, default: 2),
      padding: try root.int("mask_downsampler_padding", default: 1),
      totalStride: try root.int("mask_downsampler_total_stride", default: 16))
    // The names of other numbers of layers are in no table.
    let downsampler = memoryEncoder.maskDownsampler
    guard downsampler.stride == 2, downsampler.totalStride == 16 else {
      throw .inconsistent(
        origin: root.origin,
        reason: "mask_downsampler_stride \(downsampler.stride) and total_stride \(downsampler.totalStride) "
          + "are not 2 and 16")
    }
    try root.require("mask_downsampler_hidden_act", "gelu")
  }

  private mutating func readFuser(_ root: ConfigurationReader) throws(ConfigurationError) {
    var block = CXBlockConfiguration(dim: try root.int("memory_fuser_embed_dim", default: 256))
    block.kernelSize = try root.int("memory_fuser_kernel_size", default: 7)
    block.padding = try root.int("memory_fuser_padding", default: 3)
    block.layerScaleInitValue = try root.float("memory_fuser_layer_scale_init_value", default: 1e-6)
    memoryEncoder.fuser = FuserConfiguration(
      layer: block,
      numLayers: try root.int("memory_fuser_num_layers", in: ConfigurationReader.layers, default: 2))
    try root.require("memory_fuser_intermediate_dim", 4 * block.dim, default: 1024)
    try root.require("memory_fuser_hidden_act", "gelu")
  }

  private mutating func readTracking(_ root: ConfigurationReader) throws(ConfigurationError) {
    numMaskmem = try root.int("num_maskmem", default: 7)
    sigmoidScaleForMemEnc = try root.float("sigmoid_scale_for_mem_enc", default: 20)
    sigmoidBiasForMemEnc = try root.float("sigmoid_bias_for_mem_enc", default: -10)
    noObjEmbedSpatial = try root.bool("enable_occlusion_spatial_embedding", default: true)
    projTposEncInObjPtrs = try root.bool("enable_temporal_pos_encoding_for_object_pointers", default: true)
    addTposEncToObjPtrs = projTposEncInObjPtrs
    useSignedTposEncToObjPtrs = projTposEncInObjPtrs
    multimaskOutputInSam = try root.bool("multimask_output_in_sam", default: true)
    multimaskMinPtNum = try root.int("multimask_min_pt_num", default: 0)
    multimaskMaxPtNum = try root.int("multimask_max_pt_num", default: 1)
    multimaskOutputForTracking = try root.bool("multimask_output_for_tracking", default: true)
    maxObjPtrsInEncoder = try root.int("max_object_pointers_in_encoder", default: 16)
    maxCondFramesInAttn = try root.int(
      "max_cond_frame_num", in: -1...ConfigurationReader.counts.upperBound, default: -1)
  }
}

extension MaskSelectionConfiguration {
  /// Reads the keys that transformers' mask decoder has under the same names.
  fileprivate init(transformers decoder: ConfigurationReader) throws(ConfigurationError) {
    self.init()
    dynamicMultimaskViaStability = try decoder.bool("dynamic_multimask_via_stability", default: true)
    dynamicMultimaskStabilityDelta = try decoder.float("dynamic_multimask_stability_delta", default: 0.05)
    dynamicMultimaskStabilityThresh = try decoder.float("dynamic_multimask_stability_thresh", default: 0.98)
  }
}

// The `vision_config`: transformers 5.24, Sam2VisionConfig and Sam2HieraDetConfig.

extension ImageEncoderConfiguration {
  init(transformers vision: ConfigurationReader) throws(ConfigurationError) {
    trunk = try HieraConfiguration(transformers: vision.childIfPresent("backbone_config"), vision.origin)
    neck = FpnNeckConfiguration(
      positionEncoding: SinePositionConfiguration(
        numPosFeats: try vision.int("fpn_hidden_size", in: ConfigurationReader.positives, default: 256)),
      backboneChannelList: try vision.ints("backbone_channel_list", default: [768, 384, 192, 96]))
    neck.dModel = neck.positionEncoding.numPosFeats
    neck.kernelSize = try vision.int("fpn_kernel_size", in: ConfigurationReader.positives, default: 1)
    neck.stride = try vision.int("fpn_stride", in: ConfigurationReader.positives, default: 1)
    neck.padding = try vision.int("fpn_padding", default: 0)
    neck.fpnTopDownLevels = try vision.ints("fpn_top_down_levels", default: [2, 3])
    neck.fpnInterpModel = "nearest"
    scalp = trunk.stages.count - (try vision.int("num_feature_levels", default: 3))
    guard trunk.channelList == neck.backboneChannelList, trunk.stages.indices.contains(scalp) else {
      throw .inconsistent(
        origin: vision.origin,
        reason: "the stages have \(trunk.channelList) channels, but backbone_channel_list says "
          + "\(neck.backboneChannelList) and num_feature_levels \(trunk.stages.count - scalp)")
    }
    guard neck.stride == 1, neck.kernelSize == 2 * neck.padding + 1, neck.dModel.isMultiple(of: 4) else {
      throw .inconsistent(
        origin: vision.origin,
        reason: "fpn_kernel_size \(neck.kernelSize), fpn_stride \(neck.stride), fpn_padding \(neck.padding) or "
          + "fpn_hidden_size \(neck.dModel) is none that SAM 2's feature pyramid can have")
    }
  }
}

extension HieraConfiguration {
  /// - Parameter backbone: nil for what transformers has by default, which is tiny.
  init(transformers backbone: ConfigurationReader?, _ origin: String) throws(ConfigurationError) {
    let tiny = Variant.sam21Tiny.configuration.imageEncoder.trunk
    guard let backbone else {
      self = tiny
      return
    }
    embedDim = try backbone.int("hidden_size", in: ConfigurationReader.positives, default: 96)
    numHeads = try backbone.int("num_attention_heads", in: ConfigurationReader.positives, default: 1)
    qPool = try backbone.int("num_query_pool_stages", default: 3)
    qStride = try backbone.pair("query_stride", default: [2, 2])
    stages = try backbone.ints(
      "blocks_per_stage", in: 1...ConfigurationReader.layers.upperBound, default: tiny.stages)
    windowPosEmbedBkgSpatialSize = try backbone.pair(
      "window_positional_embedding_background_size", default: [7, 7])
    windowSpec = try backbone.ints("window_size_per_stage", default: tiny.windowSpec)
    globalAttBlocks = try backbone.ints("global_attention_blocks", default: tiny.globalAttBlocks)
    let channels = try backbone.ints("embed_dim_per_stage", default: [96, 192, 384, 768])
    let heads = try backbone.ints("num_attention_heads_per_stage", default: [1, 2, 4, 8])
    try backbone.require("patch_kernel_size", pair: 7)
    try backbone.require("patch_stride", pair: 4)
    try backbone.require("patch_padding", pair: 3)
    try backbone.require("num_channels", 3)
    try backbone.require("hidden_act", "gelu")
    try backbone.require("mlp_ratio", 4 as Float)
    try backbone.require("layer_norm_eps", 1e-6 as Float)
    try checkShape(channels: channels, heads: heads, origin: origin)
  }

  /// Finds the factors by which channels and heads grow, which have to be the same at every stage.
  private mutating func checkShape(
    channels: [Int], heads: [Int], origin: String
  ) throws(ConfigurationError) {
    guard !stages.isEmpty, stages.count == windowSpec.count, stages.count == channels.count,
      stages.count == heads.count, channels[0] > 0, heads[0] > 0
    else {
      throw .inconsistent(
        origin: origin,
        reason:
          "blocks_per_stage, window_size_per_stage, embed_dim_per_stage and num_attention_heads_per_stage "
          + "have \(stages.count), \(windowSpec.count), \(channels.count) and \(heads.count) items")
    }
    if stages.count > 1 {
      dimMul = Float(channels[1]) / Float(channels[0])
      headMul = Float(heads[1]) / Float(heads[0])
    }
    let ends = stageEnds.map { blocks[$0] }
    guard ends.map(\.dimOut) == channels, ends.map(\.heads) == heads,
      blocks.allSatisfy({ $0.dimOut.isMultiple(of: $0.heads) })
    else {
      throw .inconsistent(
        origin: origin,
        reason: "embed_dim_per_stage \(channels) and num_attention_heads_per_stage \(heads) should grow by one "
          + "factor each and begin with hidden_size \(embedDim) and num_attention_heads \(numHeads)")
    }
  }
}
