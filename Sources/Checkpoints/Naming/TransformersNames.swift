// What transformers calls the modules and parameters of the official code: the one place where it is written down.
// Source: transformers 5.24, models/sam2/modeling_sam2.py and models/sam2_video/modeling_sam2_video.py.

extension NameTable {
  /// Official names on the left, transformers' on the right; `#` is any number, the same on both sides. A row names
  /// a parameter, or a module with a weight and perhaps a bias.
  static let transformers = NameTable(
    rows: wholeModel + imageEncoder + promptEncoder + maskDecoder + memoryAttention + memoryEncoder)

  /// Tensors that transformers keeps in one, row by row.
  static let joined = (
    parts: (0..<4).map { "sam_prompt_encoder.point_embeddings.\($0).weight" },
    whole: "prompt_encoder.point_embed.weight"
  )

  /// A tensor that transformers keeps twice, the second time under a name of its own.
  static let copied = (
    original: "prompt_encoder.shared_embedding.positional_embedding",
    copy: "shared_image_embedding.positional_embedding"
  )

  private static let wholeModel = [
    ("maskmem_tpos_enc", "memory_temporal_positional_encoding"),
    ("no_mem_embed", "no_memory_embedding"),
    ("no_mem_pos_enc", "no_memory_positional_encoding"),
    ("no_obj_ptr", "no_object_pointer"),
    ("no_obj_embed_spatial", "occlusion_spatial_embedding_parameter"),
    ("obj_ptr_proj.layers.0", "object_pointer_proj.proj_in"),
    ("obj_ptr_proj.layers.1", "object_pointer_proj.layers.0"),
    ("obj_ptr_proj.layers.2", "object_pointer_proj.proj_out"),
    ("obj_ptr_tpos_proj", "temporal_positional_encoding_projection_layer"),
    ("mask_downsample", "mask_downsample"),
  ]

  private static let imageEncoder = [
    ("image_encoder.trunk.pos_embed", "vision_encoder.backbone.pos_embed"),
    ("image_encoder.trunk.pos_embed_window", "vision_encoder.backbone.pos_embed_window"),
    ("image_encoder.trunk.patch_embed.proj", "vision_encoder.backbone.patch_embed.projection"),
    ("image_encoder.trunk.blocks.#.norm1", "vision_encoder.backbone.blocks.#.layer_norm1"),
    ("image_encoder.trunk.blocks.#.attn.qkv", "vision_encoder.backbone.blocks.#.attn.qkv"),
    ("image_encoder.trunk.blocks.#.attn.proj", "vision_encoder.backbone.blocks.#.attn.proj"),
    ("image_encoder.trunk.blocks.#.norm2", "vision_encoder.backbone.blocks.#.layer_norm2"),
    ("image_encoder.trunk.blocks.#.mlp.layers.0", "vision_encoder.backbone.blocks.#.mlp.proj_in"),
    ("image_encoder.trunk.blocks.#.mlp.layers.1", "vision_encoder.backbone.blocks.#.mlp.proj_out"),
    ("image_encoder.trunk.blocks.#.proj", "vision_encoder.backbone.blocks.#.proj"),
    ("image_encoder.neck.convs.#.conv", "vision_encoder.neck.convs.#"),
  ]

  private static let promptEncoder = [
    ("sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", copied.original),
    ("sam_prompt_encoder.not_a_point_embed", "prompt_encoder.not_a_point_embed"),
    ("sam_prompt_encoder.no_mask_embed", "prompt_encoder.no_mask_embed"),
    ("sam_prompt_encoder.mask_downscaling.0", "prompt_encoder.mask_embed.conv1"),
    ("sam_prompt_encoder.mask_downscaling.1", "prompt_encoder.mask_embed.layer_norm1"),
    ("sam_prompt_encoder.mask_downscaling.3", "prompt_encoder.mask_embed.conv2"),
    ("sam_prompt_encoder.mask_downscaling.4", "prompt_encoder.mask_embed.layer_norm2"),
    ("sam_prompt_encoder.mask_downscaling.6", "prompt_encoder.mask_embed.conv3"),
  ]

  private static let maskDecoder =
    attention("sam_mask_decoder.transformer.layers.#.self_attn", "mask_decoder.transformer.layers.#.self_attn")
    + attention(
      "sam_mask_decoder.transformer.layers.#.cross_attn_token_to_image",
      "mask_decoder.transformer.layers.#.cross_attn_token_to_image")
    + attention(
      "sam_mask_decoder.transformer.layers.#.cross_attn_image_to_token",
      "mask_decoder.transformer.layers.#.cross_attn_image_to_token")
    + attention(
      "sam_mask_decoder.transformer.final_attn_token_to_image",
      "mask_decoder.transformer.final_attn_token_to_image")
    + (1...4).map {
      ("sam_mask_decoder.transformer.layers.#.norm\($0)", "mask_decoder.transformer.layers.#.layer_norm\($0)")
    } + [
      ("sam_mask_decoder.transformer.layers.#.mlp.layers.0", "mask_decoder.transformer.layers.#.mlp.proj_in"),
      ("sam_mask_decoder.transformer.layers.#.mlp.layers.1", "mask_decoder.transformer.layers.#.mlp.proj_out"),
      ("sam_mask_decoder.transformer.norm_final_attn", "mask_decoder.transformer.layer_norm_final_attn"),
      ("sam_mask_decoder.iou_token", "mask_decoder.iou_token"),
      ("sam_mask_decoder.mask_tokens", "mask_decoder.mask_tokens"),
      ("sam_mask_decoder.obj_score_token", "mask_decoder.obj_score_token"),
      ("sam_mask_decoder.output_upscaling.0", "mask_decoder.upscale_conv1"),
      ("sam_mask_decoder.output_upscaling.1", "mask_decoder.upscale_layer_norm"),
      ("sam_mask_decoder.output_upscaling.3", "mask_decoder.upscale_conv2"),
      ("sam_mask_decoder.conv_s0", "mask_decoder.conv_s0"),
      ("sam_mask_decoder.conv_s1", "mask_decoder.conv_s1"),
    ] + threeLayers("sam_mask_decoder.output_hypernetworks_mlps.#", "mask_decoder.output_hypernetworks_mlps.#")
    + threeLayers("sam_mask_decoder.iou_prediction_head", "mask_decoder.iou_prediction_head")
    + threeLayers("sam_mask_decoder.pred_obj_score_head", "mask_decoder.pred_obj_score_head")

  private static let memoryAttention =
    attention("memory_attention.layers.#.self_attn", "memory_attention.layers.#.self_attn")
    + attention("memory_attention.layers.#.cross_attn_image", "memory_attention.layers.#.cross_attn_image")
    + (1...3).map { ("memory_attention.layers.#.norm\($0)", "memory_attention.layers.#.layer_norm\($0)") } + [
      ("memory_attention.layers.#.linear1", "memory_attention.layers.#.linear1"),
      ("memory_attention.layers.#.linear2", "memory_attention.layers.#.linear2"),
      ("memory_attention.norm", "memory_attention.layer_norm"),
    ]

  private static let memoryEncoder =
    (0..<4).flatMap { layer in
      [
        (
          "memory_encoder.mask_downsampler.encoder.\(3 * layer)",
          "memory_encoder.mask_downsampler.layers.\(layer).conv"
        ),
        (
          "memory_encoder.mask_downsampler.encoder.\(3 * layer + 1)",
          "memory_encoder.mask_downsampler.layers.\(layer).layer_norm"
        ),
      ]
    } + [
      ("memory_encoder.mask_downsampler.encoder.12", "memory_encoder.mask_downsampler.final_conv"),
      ("memory_encoder.pix_feat_proj", "memory_encoder.feature_projection"),
      ("memory_encoder.fuser.layers.#.gamma", "memory_encoder.memory_fuser.layers.#.scale"),
      ("memory_encoder.fuser.layers.#.dwconv", "memory_encoder.memory_fuser.layers.#.depthwise_conv"),
      ("memory_encoder.fuser.layers.#.norm", "memory_encoder.memory_fuser.layers.#.layer_norm"),
      ("memory_encoder.fuser.layers.#.pwconv1", "memory_encoder.memory_fuser.layers.#.pointwise_conv1"),
      ("memory_encoder.fuser.layers.#.pwconv2", "memory_encoder.memory_fuser.layers.#.pointwise_conv2"),
      ("memory_encoder.out_proj", "memory_encoder.projection"),
    ]

  private static func attention(_ official: String, _ other: String) -> [(String, String)] {
    [("q_proj", "q_proj"), ("k_proj", "k_proj"), ("v_proj", "v_proj"), ("out_proj", "o_proj")].map {
      ("\(official).\($0)", "\(other).\($1)")
    }
  }

  private static func threeLayers(_ official: String, _ other: String) -> [(String, String)] {
    [("layers.0", "proj_in"), ("layers.1", "layers.0"), ("layers.2", "proj_out")].map {
      ("\(official).\($0)", "\(other).\($1)")
    }
  }
}

/// Two ways of naming the same tensors, row by row; a name of either side has at most one counterpart.
struct NameTable: Sendable {
  /// Patterns of the left side and theirs on the right.
  private let forward: [String: String]
  private let backward: [String: String]

  /// A table of rows in which no pattern stands twice on one side.
  init(rows: [(String, String)]) {
    forward = Dictionary(uniqueKeysWithValues: rows)
    backward = Dictionary(uniqueKeysWithValues: rows.map { ($1, $0) })
  }

  /// The right name of a left one, nil where no row has it.
  func right(of name: String) -> String? { Self.counterpart(of: name, in: forward) }

  /// The left name of a right one, nil where no row has it.
  func left(of name: String) -> String? { Self.counterpart(of: name, in: backward) }

  /// What follows a module's name in its parameters'.
  private static let leaves: Set<Substring> = ["weight", "bias"]
  /// How many numbers a name may hold; each doubles the patterns that it may follow.
  private static let numbers = 4

  private static func counterpart(of name: String, in table: [String: String]) -> String? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard !parts.contains("#") else { return nil }
    if let found = translated(parts, in: table) { return found }
    guard let leaf = parts.last, leaves.contains(leaf) else { return nil }
    return translated(parts.dropLast(), in: table).map { "\($0).\(leaf)" }
  }

  /// Finds the row, whichever of the name's numbers are `#` in it, and puts these numbers into the other side.
  private static func translated(_ parts: [Substring], in table: [String: String]) -> String? {
    let places = parts.indices.filter { Int(parts[$0]).map { "\($0)" } == String(parts[$0]) }
    guard places.count <= numbers else { return nil }
    for choice in 0..<1 << places.count {
      let open = places.indices.filter { choice >> $0 & 1 == 1 }.map { places[$0] }
      var pattern = parts
      for place in open { pattern[place] = "#" }
      guard let target = table[pattern.joined(separator: ".")] else { continue }
      var rest = open[...]
      return target.split(separator: ".").map { part in
        part == "#" ? rest.popFirst().map { parts[$0] } ?? part : part
      }.joined(separator: ".")
    }
    return nil
  }
}
