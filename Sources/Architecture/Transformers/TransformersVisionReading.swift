// The `vision_config` of transformers' `config.json`, read.
// Source: transformers 5.24, models/sam2/configuration_sam2.py, Sam2VisionConfig and Sam2HieraDetConfig.

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
