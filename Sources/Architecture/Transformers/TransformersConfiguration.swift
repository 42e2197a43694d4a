// The `config.json` of transformers' `Sam2VideoModel`, written. `TransformersConfigurationReading.swift` reads it back.
// Source: transformers 5.24, models/sam2_video/configuration_sam2_video.py and models/sam2/configuration_sam2.py.

import Tensors

extension ModelConfiguration {
  /// This configuration as transformers' `config.json`.
  ///
  /// - Throws: `ConfigurationError.inconsistent` where transformers would compute something else, naming the keys.
  public func transformersJSON() throws(ConfigurationError) -> String {
    let text = JSONTree.object(transformersTree).text
    let origin = "transformers' config.json"
    let read = try ModelConfiguration(
      transformers: ConfigurationTree(json: text, origin: origin), origin: origin)
    let differences = read.differences(from: self)
    guard differences.isEmpty else {
      throw .inconsistent(
        origin: origin,
        reason: "transformers' SAM 2 can't be told \(differences.listed(4))")
    }
    return text
  }

  /// What transformers' video model can't take of this configuration though its picture model can, as a sentence.
  public var transformersVideoObstacle: String? {
    // `Sam2VideoMemoryAttentionLayer` has `kv_in_dim=64` in its code.
    memDim == 64
      ? nil
      : "transformers' Sam2VideoModel takes memories of 64 channels alone, these have \(memDim): "
        + "only its picture model, Sam2Model, will load this"
  }

  private var transformersTree: [String: JSONTree] {
    let attention = memoryAttention.layer.selfAttention
    let downsampler = memoryEncoder.maskDownsampler
    let fuser = memoryEncoder.fuser
    return [
      "architectures": .list([.string("Sam2VideoModel")]),
      "model_type": .string("sam2_video"),
      "dtype": .string("float32"),
      "image_size": .integer(imageSize),
      "vision_config": .object(visionTree),
      "prompt_encoder_config": .object([
        "model_type": .string("sam2_video_prompt_encoder"),
        "hidden_size": .integer(hiddenDim), "image_size": .integer(imageSize),
        "patch_size": .integer(backboneStride),
      ]),
      "mask_decoder_config": .object(maskDecoderTree),
      "num_maskmem": .integer(numMaskmem),
      "sigmoid_scale_for_mem_enc": .real(sigmoidScaleForMemEnc),
      "sigmoid_bias_for_mem_enc": .real(sigmoidBiasForMemEnc),
      "enable_occlusion_spatial_embedding": .bool(noObjEmbedSpatial),
      "enable_temporal_pos_encoding_for_object_pointers": .bool(projTposEncInObjPtrs),
      "multimask_output_in_sam": .bool(multimaskOutputInSam),
      "multimask_min_pt_num": .integer(multimaskMinPtNum),
      "multimask_max_pt_num": .integer(multimaskMaxPtNum),
      "multimask_output_for_tracking": .bool(multimaskOutputForTracking),
      "max_object_pointers_in_encoder": .integer(maxObjPtrsInEncoder),
      "max_cond_frame_num": .integer(maxCondFramesInAttn),
      "memory_attention_hidden_size": .integer(memoryAttention.dModel),
      "memory_attention_num_layers": .integer(memoryAttention.numLayers),
      "memory_attention_num_attention_heads": .integer(attention.numHeads),
      "memory_attention_downsample_rate": .integer(attention.downsampleRate),
      "memory_attention_feed_forward_hidden_size": .integer(memoryAttention.layer.dimFeedforward),
      "memory_attention_feed_forward_hidden_act": .string(memoryAttention.layer.activation),
      // The official code makes the rotations for the features' size, whatever `feat_sizes` says.
      "memory_attention_rope_feat_sizes": .integers([imageEmbeddingSize, imageEmbeddingSize]),
      "rope_parameters": .object([
        "rope_theta": .real(attention.ropeTheta), "rope_type": .string("axial"),
      ]),
      "memory_encoder_hidden_size": .integer(memoryEncoder.inDim),
      "memory_encoder_output_channels": .integer(memoryEncoder.outDim),
      "mask_downsampler_embed_dim": .integer(downsampler.embedDim),
      "mask_downsampler_kernel_size": .integer(downsampler.kernelSize),
      "mask_downsampler_stride": .integer(downsampler.stride),
      "mask_downsampler_padding": .integer(downsampler.padding),
      "mask_downsampler_total_stride": .integer(downsampler.totalStride),
      "memory_fuser_num_layers": .integer(fuser.numLayers),
      "memory_fuser_embed_dim": .integer(fuser.layer.dim),
      "memory_fuser_intermediate_dim": .integer(4 * fuser.layer.dim),
      "memory_fuser_kernel_size": .integer(fuser.layer.kernelSize),
      "memory_fuser_padding": .integer(fuser.layer.padding),
      "memory_fuser_layer_scale_init_value": .real(fuser.layer.layerScaleInitValue),
    ]
  }

  private var maskDecoderTree: [String: JSONTree] {
    let selection = samMaskDecoderExtraArgs
    return [
      "model_type": .string("sam2_video_mask_decoder"),
      "hidden_size": .integer(hiddenDim),
      "dynamic_multimask_via_stability": .bool(selection.dynamicMultimaskViaStability),
      "dynamic_multimask_stability_delta": .real(selection.dynamicMultimaskStabilityDelta),
      "dynamic_multimask_stability_thresh": .real(selection.dynamicMultimaskStabilityThresh),
    ]
  }

  private var visionTree: [String: JSONTree] {
    let (trunk, neck) = (imageEncoder.trunk, imageEncoder.neck)
    let ends = trunk.stageEnds.map { trunk.blocks[$0] }
    let levels = trunk.stages.count - imageEncoder.scalp
    let sizes = (0..<levels).map { level in imageEmbeddingSize << (levels - 1 - level) }
    return [
      "model_type": .string("sam2_vision_model"),
      "backbone_channel_list": .integers(neck.backboneChannelList),
      "backbone_feature_sizes": .list(sizes.map { .integers([$0, $0]) }),
      "fpn_hidden_size": .integer(neck.dModel),
      "fpn_kernel_size": .integer(neck.kernelSize),
      "fpn_stride": .integer(neck.stride),
      "fpn_padding": .integer(neck.padding),
      "fpn_top_down_levels": .integers(neck.fpnTopDownLevels ?? Array(trunk.stages.indices)),
      "num_feature_levels": .integer(levels),
      "backbone_config": .object([
        "model_type": .string("sam2_hiera_det_model"),
        "hidden_size": .integer(trunk.embedDim),
        "num_attention_heads": .integer(trunk.numHeads),
        "image_size": .integers([imageSize, imageSize]),
        "query_stride": .integers(trunk.qStride),
        "num_query_pool_stages": .integer(trunk.qPool),
        "window_positional_embedding_background_size": .integers(trunk.windowPosEmbedBkgSpatialSize),
        "blocks_per_stage": .integers(trunk.stages),
        "embed_dim_per_stage": .integers(ends.map(\.dimOut)),
        "num_attention_heads_per_stage": .integers(ends.map(\.heads)),
        "window_size_per_stage": .integers(trunk.windowSpec),
        "global_attention_blocks": .integers(trunk.globalAttBlocks),
      ]),
    ]
  }
}

extension ModelConfiguration {
  /// Keys that don't change what a model computes in transformers: what is done with finished masks, and sizes that
  /// are taken from the features.
  private static let withoutEffect: Set<String> = [
    "fill_hole_area", "non_overlap_masks", "clear_non_cond_mem_around_input",
    "add_all_frames_to_correct_as_cond", "memory_attention.layer.self_attention.feat_sizes",
    "memory_attention.layer.cross_attention.feat_sizes",
  ]

  /// What `other` has otherwise than this configuration, as `key=value`, but for what has no effect.
  func differences(from other: ModelConfiguration) -> [String] {
    let (mine, theirs) = (Self.leaves(json), Self.leaves(other.json))
    return Set(mine.keys).union(theirs.keys).subtracting(Self.withoutEffect).sorted().compactMap { key in
      mine[key] == theirs[key] ? nil : "\(key)=\(theirs[key] ?? "null")"
    }
  }

  /// Every value by its dotted key.
  private static func leaves(_ json: String) -> [String: String] {
    var found: [String: String] = [:]
    func visit(_ node: ConfigurationTree, _ key: String) {
      guard let mapping = node.mapping else {
        found[key] = node.text ?? node.list.map { "[\($0.compactMap(\.text).joined(separator: ", "))]" }
        return
      }
      for entry in mapping { visit(entry.value, key.isEmpty ? entry.key : "\(key).\(entry.key)") }
    }
    if let root = try? ConfigurationTree(json: json, origin: "a configuration") { visit(root, "") }
    return found
  }
}
