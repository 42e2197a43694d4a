public import Tensors

/// The name and shape of every tensor in a checkpoint of a given configuration.
///
/// Source: the initialisers of the official modules, in the order in which PyTorch lists their parameters.
public struct StateDictLayout: Sendable {
  /// Names and shapes, in PyTorch's order.
  public private(set) var tensors: [(name: String, shape: Shape)] = []
  /// Shapes by name.
  public var shapes: [String: Shape] { Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first } }

  /// The layout of a model of that configuration.
  public init(_ model: ModelConfiguration) {
    addModelParameters(model)
    addImageEncoder(model.imageEncoder)
    addMemoryAttention(model.memoryAttention)
    addMemoryEncoder(model.memoryEncoder)
    addPromptEncoder(model.hiddenDim)
    addMaskDecoder(model)
    addObjectPointers(model)
  }

  /// Whether a tensor belongs to memory or object pointers, which only tracking needs: what a picture model leaves out.
  /// Source: transformers/models/sam2/modeling_sam2.py, Sam2Model, beside modeling_sam2_video.py.
  public static func isOfTracking(_ name: String) -> Bool {
    ["maskmem_tpos_enc", "no_mem_pos_enc", "no_obj_ptr", "no_obj_embed_spatial"].contains(name)
      || ["memory_attention.", "memory_encoder.", "mask_downsample.", "obj_ptr_proj.", "obj_ptr_tpos_proj."]
        .contains(where: name.hasPrefix)
  }

  private mutating func add(_ name: String, _ shape: Shape) { tensors.append((name, shape)) }

  private mutating func addLinear(_ name: String, _ inputs: Int, _ outputs: Int) {
    add("\(name).weight", [outputs, inputs])
    add("\(name).bias", [outputs])
  }

  private mutating func addConv(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int) {
    add("\(name).weight", [outputs, inputs, kernel, kernel])
    add("\(name).bias", [outputs])
  }

  private mutating func addConvTranspose(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int) {
    add("\(name).weight", [inputs, outputs, kernel, kernel])
    add("\(name).bias", [outputs])
  }

  private mutating func addNorm(_ name: String, _ channels: Int) {
    add("\(name).weight", [channels])
    add("\(name).bias", [channels])
  }

  private mutating func addMLP(_ name: String, _ inputs: Int, _ hidden: Int, _ outputs: Int, layers: Int) {
    for layer in 0..<layers {
      addLinear(
        "\(name).layers.\(layer)", layer == 0 ? inputs : hidden, layer == layers - 1 ? outputs : hidden)
    }
  }

  private mutating func addModelParameters(_ model: ModelConfiguration) {
    add("maskmem_tpos_enc", [model.numMaskmem, 1, 1, model.memDim])
    add("no_mem_embed", [1, 1, model.hiddenDim])
    add("no_mem_pos_enc", [1, 1, model.hiddenDim])
    if model.predObjScores && model.useObjPtrsInEncoder { add("no_obj_ptr", [1, model.hiddenDim]) }
    if model.noObjEmbedSpatial { add("no_obj_embed_spatial", [1, model.memDim]) }
  }

  private mutating func addImageEncoder(_ encoder: ImageEncoderConfiguration) {
    let trunk = encoder.trunk
    let dim = trunk.embedDim
    add("image_encoder.trunk.pos_embed", Shape([1, dim] + trunk.windowPosEmbedBkgSpatialSize))
    add("image_encoder.trunk.pos_embed_window", [1, dim, trunk.windowSpec[0], trunk.windowSpec[0]])
    addConv("image_encoder.trunk.patch_embed.proj", 3, dim, 7)
    for (index, block) in trunk.blocks.enumerated() {
      let name = "image_encoder.trunk.blocks.\(index)"
      addNorm("\(name).norm1", block.dim)
      addLinear("\(name).attn.qkv", block.dim, 3 * block.dimOut)
      addLinear("\(name).attn.proj", block.dimOut, block.dimOut)
      addNorm("\(name).norm2", block.dimOut)
      addMLP("\(name).mlp", block.dimOut, 4 * block.dimOut, block.dimOut, layers: 2)
      if block.dim != block.dimOut { addLinear("\(name).proj", block.dim, block.dimOut) }
    }
    for (index, channels) in encoder.neck.backboneChannelList.enumerated() {
      addConv("image_encoder.neck.convs.\(index).conv", channels, encoder.neck.dModel, encoder.neck.kernelSize)
    }
  }

  private mutating func addAttention(_ name: String, _ dim: Int, internal inner: Int, keys: Int) {
    addLinear("\(name).q_proj", dim, inner)
    addLinear("\(name).k_proj", keys, inner)
    addLinear("\(name).v_proj", keys, inner)
    addLinear("\(name).out_proj", inner, dim)
  }

  private mutating func addMemoryAttention(_ attention: MemoryAttentionConfiguration) {
    let layer = attention.layer
    for index in 0..<attention.numLayers {
      let name = "memory_attention.layers.\(index)"
      for (part, shape) in [("self_attn", layer.selfAttention), ("cross_attn_image", layer.crossAttention)] {
        addAttention(
          "\(name).\(part)", shape.embeddingDim, internal: shape.embeddingDim / shape.downsampleRate,
          keys: shape.kvInDim ?? shape.embeddingDim)
      }
      addLinear("\(name).linear1", layer.dModel, layer.dimFeedforward)
      addLinear("\(name).linear2", layer.dimFeedforward, layer.dModel)
      for norm in ["norm1", "norm2", "norm3"] { addNorm("\(name).\(norm)", layer.dModel) }
    }
    addNorm("memory_attention.norm", attention.dModel)
  }

  private mutating func addMemoryEncoder(_ encoder: MemoryEncoderConfiguration) {
    let downsampler = encoder.maskDownsampler
    var channels = 1
    for (index, outputs) in downsampler.channels.enumerated() {
      let name = "memory_encoder.mask_downsampler.encoder"
      addConv("\(name).\(3 * index)", channels, outputs, downsampler.kernelSize)
      addNorm("\(name).\(3 * index + 1)", outputs)
      channels = outputs
    }
    addConv(
      "memory_encoder.mask_downsampler.encoder.\(3 * downsampler.channels.count)", channels,
      downsampler.embedDim, 1)
    addConv("memory_encoder.pix_feat_proj", encoder.inDim, encoder.inDim, 1)
    if encoder.fuser.inputProjection, let dim = encoder.fuser.dim {
      addConv("memory_encoder.fuser.proj", dim, dim, 1)
    }
    let block = encoder.fuser.layer
    for index in 0..<encoder.fuser.numLayers {
      let name = "memory_encoder.fuser.layers.\(index)"
      if block.layerScaleInitValue > 0 { add("\(name).gamma", [block.dim]) }
      addConv("\(name).dwconv", block.useDwconv ? 1 : block.dim, block.dim, block.kernelSize)
      addNorm("\(name).norm", block.dim)
      addLinear("\(name).pwconv1", block.dim, 4 * block.dim)
      addLinear("\(name).pwconv2", 4 * block.dim, block.dim)
    }
    if encoder.outDim != encoder.inDim { addConv("memory_encoder.out_proj", encoder.inDim, encoder.outDim, 1) }
  }

  private mutating func addPromptEncoder(_ dim: Int) {
    let name = "sam_prompt_encoder"
    add("\(name).pe_layer.positional_encoding_gaussian_matrix", [2, dim / 2])
    for index in 0..<4 { add("\(name).point_embeddings.\(index).weight", [1, dim]) }
    add("\(name).not_a_point_embed.weight", [1, dim])
    addConv("\(name).mask_downscaling.0", 1, 4, 2)
    addNorm("\(name).mask_downscaling.1", 4)
    addConv("\(name).mask_downscaling.3", 4, 16, 2)
    addNorm("\(name).mask_downscaling.4", 16)
    addConv("\(name).mask_downscaling.6", 16, dim, 1)
    add("\(name).no_mask_embed.weight", [1, dim])
  }

  private mutating func addMaskDecoder(_ model: ModelConfiguration) {
    let dim = model.hiddenDim
    let name = "sam_mask_decoder"
    for index in 0..<2 {
      let layer = "\(name).transformer.layers.\(index)"
      addAttention("\(layer).self_attn", dim, internal: dim, keys: dim)
      addNorm("\(layer).norm1", dim)
      addAttention("\(layer).cross_attn_token_to_image", dim, internal: dim / 2, keys: dim)
      addNorm("\(layer).norm2", dim)
      addMLP("\(layer).mlp", dim, 2048, dim, layers: 2)
      addNorm("\(layer).norm3", dim)
      addNorm("\(layer).norm4", dim)
      addAttention("\(layer).cross_attn_image_to_token", dim, internal: dim / 2, keys: dim)
    }
    addAttention("\(name).transformer.final_attn_token_to_image", dim, internal: dim / 2, keys: dim)
    addNorm("\(name).transformer.norm_final_attn", dim)
    add("\(name).iou_token.weight", [1, dim])
    add("\(name).mask_tokens.weight", [4, dim])
    if model.predObjScores { add("\(name).obj_score_token.weight", [1, dim]) }
    addConvTranspose("\(name).output_upscaling.0", dim, dim / 4, 2)
    addNorm("\(name).output_upscaling.1", dim / 4)
    addConvTranspose("\(name).output_upscaling.3", dim / 4, dim / 8, 2)
    if model.useHighResFeaturesInSam {
      addConv("\(name).conv_s0", dim, dim / 8, 1)
      addConv("\(name).conv_s1", dim, dim / 4, 1)
    }
    for index in 0..<4 {
      addMLP("\(name).output_hypernetworks_mlps.\(index)", dim, dim, dim / 8, layers: 3)
    }
    addMLP("\(name).iou_prediction_head", dim, 256, 4, layers: 3)
    if model.predObjScores {
      if model.predObjScoresMlp {
        addMLP("\(name).pred_obj_score_head", dim, dim, 1, layers: 3)
      } else {
        addLinear("\(name).pred_obj_score_head", dim, 1)
      }
    }
  }

  private mutating func addObjectPointers(_ model: ModelConfiguration) {
    if model.useObjPtrsInEncoder {
      if model.useMlpForObjPtrProj {
        addMLP("obj_ptr_proj", model.hiddenDim, model.hiddenDim, model.hiddenDim, layers: 3)
      } else {
        addLinear("obj_ptr_proj", model.hiddenDim, model.hiddenDim)
      }
      addConv("mask_downsample", 1, 1, 4)
    }
    if model.projTposEncInObjPtrs { addLinear("obj_ptr_tpos_proj", model.hiddenDim, model.memDim) }
  }
}
