import Foundation

/// Everything that decides what a SAM 2 model computes, apart from its weights.
///
/// Property names are the official YAML's keys in camel case; `json` writes the official layout back.
/// Source: sam2/modeling/sam2_base.py, SAM2Base, and configs/sam2*/*.yaml.
public struct ModelConfiguration: Hashable, Sendable, Encodable {
  /// Turns a picture into features.
  public var imageEncoder: ImageEncoderConfiguration
  /// Conditions a frame's features on the memory.
  public var memoryAttention: MemoryAttentionConfiguration
  /// Turns a frame's features and mask into a memory.
  public var memoryEncoder: MemoryEncoderConfiguration
  /// How many memories a frame attends to, the current frame's place included.
  public var numMaskmem = 7
  /// Which multiples of 16 a model's input may have for its side, in pixels.
  public static let imageSizes = 16...4096

  /// Width and height of the model's input, in pixels.
  public var imageSize = 512
  /// Pixels per feature along one axis.
  public var backboneStride = 16
  /// Scale of the mask's sigmoid on its way into the memory.
  public var sigmoidScaleForMemEnc: Float = 1
  /// Bias of the mask's sigmoid on its way into the memory.
  public var sigmoidBiasForMemEnc: Float = 0
  /// Whether masks of clicked frames are binarised on their way into the memory. On unless the YAML says
  /// otherwise, as the official builder of video predictors has it.
  public var binarizeMaskFromPtsForMemEnc = true
  /// Whether a mask prompt is the output on its frame.
  public var useMaskInputAsOutputWithoutSam = false
  /// How many conditioning frames are attended to at most; -1 for all.
  public var maxCondFramesInAttn = -1
  /// Whether a picture's features get the no-memory embedding added.
  public var directlyAddNoMemEmbed = false
  /// Whether the mask decoder sees the two finer feature levels.
  public var useHighResFeaturesInSam = false
  /// Whether the first click gives three masks.
  public var multimaskOutputInSam = false
  /// The fewest points that give three masks.
  public var multimaskMinPtNum = 1
  /// The most points that give three masks.
  public var multimaskMaxPtNum = 1
  /// Whether tracking, too, chooses among three masks.
  public var multimaskOutputForTracking = false
  /// Whether the object pointer comes from the chosen mask's token.
  public var useMultimaskTokenForObjPtr = false
  /// Whether predicted IoUs pass through a sigmoid.
  public var iouPredictionUseSigmoid = false
  /// Distance between the memories, in frames.
  public var memoryTemporalStrideForEval = 1
  /// Whether objects' masks exclude each other on their way into the memory.
  public var nonOverlapMasksForMemEnc = false
  /// Whether memory attention sees object pointers.
  public var useObjPtrsInEncoder = false
  /// The most object pointers it sees.
  public var maxObjPtrsInEncoder = 16
  /// Whether pointers carry their distance in time.
  public var addTposEncToObjPtrs = true
  /// Whether that distance passes through a projection.
  public var projTposEncInObjPtrs = false
  /// Whether that distance has a sign.
  public var useSignedTposEncToObjPtrs = false
  /// Whether pointers from later frames are left out.
  public var onlyObjPtrsInThePastForEval = false
  /// Whether the model predicts that the object is there.
  public var predObjScores = false
  /// Whether an MLP does so.
  public var predObjScoresMlp = false
  /// Whether an absent object's pointer is fixed.
  public var fixedNoObjPtr = false
  /// Whether absence is mixed in softly.
  public var softNoObjPtr = false
  /// Whether an MLP makes the object pointer.
  public var useMlpForObjPtrProj = false
  /// Whether an absent object's memory gets an embedding.
  public var noObjEmbedSpatial = false
  /// Holes of at most so many low-resolution pixels are filled in a video's masks; 0 for none. 8 unless the YAML
  /// says otherwise, as the official builder of video predictors has it.
  public var fillHoleArea = 8
  /// Whether a video's masks exclude each other.
  public var nonOverlapMasks = false
  /// Whether memories around a corrected frame are forgotten.
  public var clearNonCondMemAroundInput = false
  /// Whether a corrected frame becomes a conditioning frame.
  public var addAllFramesToCorrectAsCond = false
  /// How the mask decoder chooses a single mask.
  public var samMaskDecoderExtraArgs = MaskSelectionConfiguration()

  /// What about the parts doesn't fit together, if anything.
  var contradiction: String? {
    let trunk = imageEncoder.trunk
    let levels = trunk.stages.count - imageEncoder.scalp
    // The patch embedding takes every 4th pixel, then each pooled stage every `qStride`-th token.
    let strides = trunk.stages.indices.map { stage in
      (0..<min(trunk.qPool, stage)).reduce(4) { stride, _ in stride * trunk.qStride[0] }
    }
    let stride = strides[levels - 1]
    if imageSize % backboneStride != 0 {
      return "image_size \(imageSize) is no multiple of backbone_stride \(backboneStride)"
    }
    if stride != backboneStride {
      return "backbone_stride is \(backboneStride), but the \(levels) levels kept have a stride of \(stride)"
    }
    if trunk.windowSpec[0] == 0 || imageSize / 4 % trunk.windowSpec[0] != 0 {
      return "image_size \(imageSize) is no multiple of 4 times the first window, \(trunk.windowSpec[0])"
    }
    if let coarsest = strides.last, imageSize % coarsest != 0 {
      return "image_size \(imageSize) is no multiple of the last stage's stride, \(coarsest)"
    }
    let topDown = imageEncoder.neck.fpnTopDownLevels ?? Array(strides.indices)
    if let level = strides.indices.dropLast().first(where: {
      topDown.contains($0) && strides[$0 + 1] != 2 * strides[$0]
    }) {
      return "level \(level) is added to level \(level + 1) at twice its size, but their strides are "
        + "\(strides[level]) and \(strides[level + 1])"
    }
    if useHighResFeaturesInSam && levels != 3 {
      return "use_high_res_features_in_sam needs 3 levels, but scalp leaves \(levels)"
    }
    if useHighResFeaturesInSam && strides[..<3] != [4, 8, 16] {
      return "use_high_res_features_in_sam needs strides of 4, 8 and 16, but the stages have \(strides)"
    }
    if (0...1).contains(maxCondFramesInAttn) {
      return "max_cond_frames_in_attn is \(maxCondFramesInAttn), expected -1 for all or at least 2"
    }
    if hiddenDim % memDim != 0 {
      return "d_model \(hiddenDim) is no multiple of memory_encoder out_dim \(memDim)"
    }
    if hiddenDim % 16 != 0 { return "d_model \(hiddenDim) is no multiple of 16" }
    if memoryEncoder.inDim != hiddenDim || memoryAttention.dModel != hiddenDim {
      return "neck d_model \(hiddenDim), memory_encoder in_dim \(memoryEncoder.inDim) and memory_attention "
        + "d_model \(memoryAttention.dModel) should be equal"
    }
    return memoryContradiction
  }

  /// Channels of a memory.
  public var memDim: Int { memoryEncoder.outDim }
  /// Channels of the features that prompts and memories meet.
  public var hiddenDim: Int { imageEncoder.neck.dModel }
  /// Width and height of the features that the mask decoder works on.
  public var imageEmbeddingSize: Int { imageSize / backboneStride }
}

/// How a single mask is chosen.
///
/// The defaults are those that the official builders set when a model is made for use
/// (sam2/build_sam.py, `apply_postprocessing`); the YAML says nothing about them.
public struct MaskSelectionConfiguration: Hashable, Sendable, Encodable {
  /// Whether an unstable single mask gives way to the best of three.
  public var dynamicMultimaskViaStability = true
  /// The logits between which a mask is compared with itself, ±.
  public var dynamicMultimaskStabilityDelta: Float = 0.05
  /// The IoU of the two below which a mask is unstable.
  public var dynamicMultimaskStabilityThresh: Float = 0.98
}

extension ModelConfiguration {
  /// Reads what `json` wrote, as converted files carry it.
  ///
  /// - Parameters:
  ///   - text: the official layout as JSON, a `model:` mapping or that mapping alone.
  ///   - origin: what to call the text in an error, usually a file's path.
  /// - Throws: `ConfigurationError`; keys that aren't known are refused.
  public init(json text: String, origin: String) throws(ConfigurationError) {
    try self.init(ConfigurationTree(json: text, origin: origin), origin: origin)
  }

  /// Reads the official Hydra layout: a `model:` mapping, or that mapping alone.
  package init(_ tree: ConfigurationTree, origin: String) throws(ConfigurationError) {
    let root = try ConfigurationReader(tree, origin: origin)
    let model = try root.childIfPresent("model")
    try self.init(model ?? root)
  }

  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.requireClass(
      "modeling.sam2_base.SAM2Base", "sam2_video_predictor.SAM2VideoPredictor",
      "sam2_video_predictor.SAM2VideoPredictorVOS", "model.sam2.SAM2Train")
    imageEncoder = try ImageEncoderConfiguration(reader.child("image_encoder"))
    memoryAttention = try MemoryAttentionConfiguration(reader.child("memory_attention"))
    memoryEncoder = try MemoryEncoderConfiguration(reader.child("memory_encoder"))
    numMaskmem = try reader.int("num_maskmem", default: numMaskmem)
    imageSize = try reader.int("image_size", in: 1...Self.imageSizes.upperBound, default: imageSize)
    backboneStride = try reader.int(
      "backbone_stride", in: ConfigurationReader.positives, default: backboneStride)
    sigmoidScaleForMemEnc = try reader.float("sigmoid_scale_for_mem_enc", default: sigmoidScaleForMemEnc)
    sigmoidBiasForMemEnc = try reader.float("sigmoid_bias_for_mem_enc", default: sigmoidBiasForMemEnc)
    maxCondFramesInAttn = try reader.int(
      "max_cond_frames_in_attn", in: -1...ConfigurationReader.counts.upperBound, default: maxCondFramesInAttn)
    multimaskMinPtNum = try reader.int("multimask_min_pt_num", default: multimaskMinPtNum)
    multimaskMaxPtNum = try reader.int("multimask_max_pt_num", default: multimaskMaxPtNum)
    memoryTemporalStrideForEval = try reader.int(
      "memory_temporal_stride_for_eval", in: ConfigurationReader.positives,
      default: memoryTemporalStrideForEval)
    maxObjPtrsInEncoder = try reader.int("max_obj_ptrs_in_encoder", default: maxObjPtrsInEncoder)
    fillHoleArea = try reader.int("fill_hole_area", default: fillHoleArea)
    for (key, property) in Self.switches {
      self[keyPath: property] = try reader.bool(key, default: self[keyPath: property])
    }
    if let extra = try reader.childIfPresent("sam_mask_decoder_extra_args") {
      samMaskDecoderExtraArgs = try MaskSelectionConfiguration(extra)
    }
    try reader.finish()
    if let reason = contradiction { throw .inconsistent(origin: reader.origin, reason: reason) }
  }

  /// The official layout as JSON, keys sorted. `init(json:origin:)` reads it back.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(self) else { return "{}" }  // structs of numbers always encode
    return String(decoding: data, as: UTF8.self)
  }

  private static var switches: [(String, WritableKeyPath<ModelConfiguration, Bool>)] {
    [
      ("binarize_mask_from_pts_for_mem_enc", \.binarizeMaskFromPtsForMemEnc),
      ("use_mask_input_as_output_without_sam", \.useMaskInputAsOutputWithoutSam),
      ("directly_add_no_mem_embed", \.directlyAddNoMemEmbed),
      ("use_high_res_features_in_sam", \.useHighResFeaturesInSam),
      ("multimask_output_in_sam", \.multimaskOutputInSam),
      ("multimask_output_for_tracking", \.multimaskOutputForTracking),
      ("use_multimask_token_for_obj_ptr", \.useMultimaskTokenForObjPtr),
      ("iou_prediction_use_sigmoid", \.iouPredictionUseSigmoid),
      ("non_overlap_masks_for_mem_enc", \.nonOverlapMasksForMemEnc),
      ("use_obj_ptrs_in_encoder", \.useObjPtrsInEncoder),
      ("add_tpos_enc_to_obj_ptrs", \.addTposEncToObjPtrs),
      ("proj_tpos_enc_in_obj_ptrs", \.projTposEncInObjPtrs),
      ("use_signed_tpos_enc_to_obj_ptrs", \.useSignedTposEncToObjPtrs),
      ("only_obj_ptrs_in_the_past_for_eval", \.onlyObjPtrsInThePastForEval),
      ("pred_obj_scores", \.predObjScores),
      ("pred_obj_scores_mlp", \.predObjScoresMlp),
      ("fixed_no_obj_ptr", \.fixedNoObjPtr),
      ("soft_no_obj_ptr", \.softNoObjPtr),
      ("use_mlp_for_obj_ptr_proj", \.useMlpForObjPtrProj),
      ("no_obj_embed_spatial", \.noObjEmbedSpatial),
      ("non_overlap_masks", \.nonOverlapMasks),
      ("clear_non_cond_mem_around_input", \.clearNonCondMemAroundInput),
      ("add_all_frames_to_correct_as_cond", \.addAllFramesToCorrectAsCond),
    ]
  }
}

extension MaskSelectionConfiguration {
  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    dynamicMultimaskViaStability = try reader.bool(
      "dynamic_multimask_via_stability", default: dynamicMultimaskViaStability)
    dynamicMultimaskStabilityDelta = try reader.float(
      "dynamic_multimask_stability_delta", default: dynamicMultimaskStabilityDelta)
    dynamicMultimaskStabilityThresh = try reader.float(
      "dynamic_multimask_stability_thresh", default: dynamicMultimaskStabilityThresh)
    try reader.finish()
  }
}
