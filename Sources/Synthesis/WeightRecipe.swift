import Tensors

/// How a made-up parameter's elements are spread.
struct WeightSpread: Equatable {
  var mean = 0.0
  var deviation: Double
  /// Leading elements whose deviation is larger by `headGain`.
  var headCount = 0
  var headGain = 1.0
}

/// Which spread keeps a full-size model alive, by the parameter's name and shape.
///
/// Weights have variance 1 / inputs, so that variance passes through. What departs from that is named here, with what
/// was seen on the official code without it. Parameters that PyTorch starts at zero, one or 1e-6 are spread too: as they
/// are, an error in reading or applying them would not show.
struct WeightRecipe {
  /// Blocks of the trunk.
  let blockCount: Int

  /// The spread of one parameter.
  func spread(of name: String, _ shape: Shape) -> WeightSpread {
    let parts = name.split(separator: ".").map(String.init)
    let leaf = parts.last ?? ""
    if leaf == "weight" && Self.isScale(parts) || leaf == "gamma" {
      return WeightSpread(mean: 1, deviation: 0.1)
    }
    if leaf == "bias" { return WeightSpread(mean: biasMean(of: name), deviation: 0.1) }
    if let deviation = Self.embedding(name, parts) { return WeightSpread(deviation: deviation) }
    let inputs = name.hasPrefix("sam_mask_decoder.output_upscaling") ? shape[0] : shape.count / shape[0]
    var spread = WeightSpread(deviation: gain(of: name, parts) / Double(inputs).squareRoot())
    if name.hasSuffix("attn.qkv.weight") {
      // Tokens of a window are alike: without this, logits spread by 0.3 and attention takes the mean of all.
      spread.headCount = shape.count / 3 * 2
      spread.headGain = 2
    }
    return spread
  }

  /// Whether the module is a normalisation: by its name, or by its place in a `Sequential`.
  private static func isScale(_ parts: [String]) -> Bool {
    guard parts.count >= 3 else { return false }
    let (module, container) = (parts[parts.count - 2], parts[parts.count - 3])
    if module.contains("norm") { return true }
    return switch container {
    case "mask_downscaling": ["1", "4"].contains(module)
    case "output_upscaling": module == "1"
    // Convolution, norm, activation, and so on; the last convolution has the place of none.
    case "encoder": parts.contains("mask_downsampler") && (Int(module) ?? 0) % 3 == 1
    default: false
    }
  }

  private func biasMean(of name: String) -> Double {
    // An object is there on most frames, so that "no object" hides nothing.
    if name.hasPrefix("sam_mask_decoder.pred_obj_score_head") && isLastLayer(name) { return 5 }
    // Masks cover less than half of the picture. This and the masks' spread make the stability of a single mask come
    // out on both sides of its threshold.
    if name.hasPrefix("sam_mask_decoder.output_hypernetworks_mlps") && isLastLayer(name) { return -0.2 }
    return 0
  }

  private func isLastLayer(_ name: String) -> Bool { name.contains(".layers.2.") || !name.contains(".layers.") }

  /// The spread of what is added or looked up rather than multiplied; nil for matrices and kernels.
  private static func embedding(_ name: String, _ parts: [String]) -> Double? {
    let leaf = parts.last ?? ""
    switch leaf {
    case "positional_encoding_gaussian_matrix": return 1
    case "pos_embed", "pos_embed_window": return 0.6
    case "maskmem_tpos_enc": return 0.5
    case _ where leaf.hasPrefix("no_"): return 0.5
    default: break
    }
    // Prompts weigh more than the decoder's own tokens: with 0.5 all prompts gave the same mask.
    if parts.contains("point_embeddings") { return 1.5 }
    let module = parts.dropLast().last ?? ""
    let isEmbedding = module.hasSuffix("_embed") || module.hasSuffix("_token") || module.hasSuffix("_tokens")
    return isEmbedding ? 0.5 : nil
  }

  /// By how much a matrix or kernel departs from variance 1 / inputs.
  private func gain(of name: String, _ parts: [String]) -> Double {
    let module = parts.dropLast().joined(separator: ".")
    if module.hasPrefix("image_encoder") {
      // A picture's neighbours are alike, so a kernel's sum spreads more or less than its terms do.
      if module.hasSuffix("patch_embed.proj") { return 1.5 }
      // The neck takes the residual stream as it is, which has grown.
      if module.contains("neck") { return 0.6 }
      // Residual branches add up: 36 blocks of gain 1 in a stage would reach 9.
      let isBranch = module.hasSuffix("attn.proj") || module.hasSuffix("mlp.layers.1")
      return isBranch ? (8 / Double(blockCount)).squareRoot() : 1
    }
    if module.hasSuffix("q_proj") || module.hasSuffix("k_proj") {
      // Few tokens attend to each other; nearly evenly, they would all become the same.
      return module.contains("sam_mask_decoder") && module.contains("self_attn") ? 1.4 : 1.2
    }
    if module.contains("output_hypernetworks_mlps") && isLastLayer(name) {
      // Times what an activation takes away: mask logits spread by about 5 and reach 20.
      return 1.2 * Self.rectifierGain
    }
    if module == "memory_encoder.mask_downsampler.encoder.12" {
      // Against the picture's features, so that memories of two objects differ.
      return 2 * Self.rectifierGain
    }
    return Self.followsActivation(parts) ? Self.rectifierGain : 1
  }

  /// What makes up for the half that ReLU, and nearly GELU, takes from the variance.
  /// Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, section 2.2.
  private static let rectifierGain = 2.0.squareRoot()

  /// Whether the module's input comes out of an activation.
  private static func followsActivation(_ parts: [String]) -> Bool {
    guard parts.count >= 3 else { return false }
    let (module, container) = (parts[parts.count - 2], parts[parts.count - 3])
    return switch (container, module) {
    case ("layers", "1"), ("layers", "2"): true
    case (_, "linear2"), (_, "pwconv2"), ("output_upscaling", "3"): true
    case ("mask_downscaling", "3"), ("mask_downscaling", "6"): true
    case ("encoder", let place): parts.contains("mask_downsampler") && place != "0"
    default: false
    }
  }
}
