// Which parameters are scales, biases, embeddings and matrices.
import Architecture
import Tensors
import Testing

@testable import Synthesis

private let recipe = WeightRecipe(blockCount: 12)

@Test(arguments: [
  "image_encoder.trunk.blocks.0.norm1.weight", "memory_attention.norm.weight",
  "sam_mask_decoder.output_upscaling.1.weight", "sam_prompt_encoder.mask_downscaling.4.weight",
  "memory_encoder.mask_downsampler.encoder.10.weight", "memory_encoder.fuser.layers.0.gamma",
]) func scalesAreAroundOne(name: String) {
  #expect(recipe.spread(of: name, [256]) == WeightSpread(mean: 1, deviation: 0.1))
}

@Test func biasesAreAroundZeroButForTheObjectScoreAndTheMasks() {
  func mean(_ name: String) -> Double { recipe.spread(of: name, [8]).mean }
  #expect(mean("sam_mask_decoder.pred_obj_score_head.layers.2.bias") == 5)
  #expect(mean("sam_mask_decoder.pred_obj_score_head.layers.0.bias") == 0)
  // Of models whose score is one linear layer.
  #expect(mean("sam_mask_decoder.pred_obj_score_head.bias") == 5)
  #expect(mean("sam_mask_decoder.output_hypernetworks_mlps.3.layers.2.bias") == -0.2)
  #expect(mean("image_encoder.trunk.blocks.0.norm1.bias") == 0)
}

@Test(arguments: [
  ("no_mem_embed", 0.5), ("maskmem_tpos_enc", 0.5), ("image_encoder.trunk.pos_embed", 0.6),
  ("sam_prompt_encoder.point_embeddings.2.weight", 1.5), ("sam_prompt_encoder.not_a_point_embed.weight", 0.5),
  ("sam_mask_decoder.mask_tokens.weight", 0.5),
  ("sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", 1),
]) func embeddingsHaveASpreadOfTheirOwn(name: String, deviation: Double) {
  #expect(recipe.spread(of: name, [4, 256]) == WeightSpread(deviation: deviation))
}

/// Matrices and kernels, their shapes, what a sum of their inputs counts for, and how many inputs there are.
private let matrices: [(String, Shape, Double, Double)] = [
  ("sam_mask_decoder.conv_s0.weight", [32, 256, 1, 1], 1, 256),
  // Behind an activation: twice the variance.
  ("obj_ptr_proj.layers.1.weight", [256, 256], 2, 256),
  // The embedding's convolution is none of the recipe's embeddings.
  ("image_encoder.trunk.patch_embed.proj.weight", [96, 3, 7, 7], 2.25, 147),
  // A transposed convolution's inputs are its first axis.
  ("sam_mask_decoder.output_upscaling.0.weight", [256, 64, 2, 2], 1, 256),
  ("memory_encoder.mask_downsampler.encoder.0.weight", [4, 1, 3, 3], 1, 9),
  // A residual branch, one of 12 blocks'.
  ("image_encoder.trunk.blocks.5.attn.proj.weight", [96, 96], 0.6666666666666666, 96),
]

@Test(arguments: matrices)
func matricesHaveVarianceOfOneByTheirInputs(name: String, shape: Shape, gain: Double, inputs: Double) {
  let spread = recipe.spread(of: name, shape)
  #expect(spread.mean == 0)
  #expect(abs(spread.deviation * spread.deviation * inputs / gain - 1) < 1e-12)
}

@Test(arguments: Variant.allCases) func noParameterOfAVariantIsConstantOrHuge(variant: Variant) {
  for (name, shape) in StateDictLayout(variant.configuration).tensors {
    let spread = recipe.spread(of: name, shape)
    #expect(spread.deviation > 0.005 && spread.deviation <= 1.5, "\(name): \(spread)")
  }
}
