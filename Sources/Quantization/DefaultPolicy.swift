// Which layers are quantized unless told otherwise.
public import Architecture
public import Kernels
public import SAM2
import Taps
import Tensors

extension PrecisionPlan {
  /// The layers whose weights are most of a model's and whose inputs are tame: Hiera's linears, the neck, the memory encoder's
  /// linears and projections, the memory attention, the decoder's attention and MLPs, the projection of object pointers.
  ///
  /// All else stays Float32: residual sums, norms and softmax, which have no weights to quantize; the prompt encoder,
  /// `patch_embed`, `output_upscaling`, the mask downsampler, the heads for IoU, object scores and masks' weights, and convolutions of 3 × 3 and more,
  /// which have few weights and whose errors nothing behind them takes back.
  private static let quantizedLayers = [
    "image_encoder.trunk.blocks.*.attn.qkv", "image_encoder.trunk.blocks.*.proj",
    "image_encoder.trunk.blocks.*.mlp.layers.*",
    "memory_encoder.pix_feat_proj", "memory_encoder.fuser.layers.*.pwconv?", "memory_encoder.out_proj",
    "memory_attention.layers.*_proj", "memory_attention.layers.*.linear?",
    "sam_mask_decoder.transformer.*_proj", "sam_mask_decoder.transformer.layers.*.mlp.layers.*",
    "obj_ptr_proj*",
  ]

  /// The neck's convolutions. Those of levels that are only projected for the decoder, by layers that stay floating point, run as
  /// one with these where all is floating point, and cost next to nothing then.
  private static func neckLayers(_ model: ModelConfiguration, _ scheme: Precision) -> [String] {
    let neck = model.imageEncoder.neck
    let count = neck.backboneChannelList.count
    let projected = (0..<2).filter { model.useHighResFeaturesInSam && neck.isLateralAlone($0) }
    guard scheme == .w8a8, !projected.isEmpty else { return ["image_encoder.neck.convs.*.conv"] }
    return (0..<count).filter { !projected.contains(count - 1 - $0) }.map {
      "image_encoder.neck.convs.\($0).conv"
    }
  }

  /// Attention that is computed in bytes where inputs are: where there are many keys, which makes it much of the work.
  private static func quantizedAttention(_ trunk: HieraConfiguration) -> [String] {
    trunk.globalAttBlocks.sorted().map { "image_encoder.trunk.blocks.\($0).attn" } + [
      "memory_attention.layers.*.self_attn", "memory_attention.layers.*.cross_attn_image",
    ]
  }

  /// The default policy for a model: the precision `scheme` for what is worth it, `elsewhere` for all else, attention itself
  /// included but for the memory attention's, and that of Hiera's blocks over all tokens, in `.w8a8`.
  ///
  /// With `.w4`, layers whose inputs are no multiple of 32 get `.w8`, by rules that name them.
  public init(scheme: Precision, for configuration: ModelConfiguration, elsewhere: Precision = .f32) {
    self.init(default: elsewhere)
    guard scheme.isQuantized else {
      `default` = scheme
      return
    }
    let suffix = ".weight"
    let weights = StateDictLayout(configuration).tensors.filter { $0.name.hasSuffix(suffix) }.map {
      (layer: String($0.name.dropLast(suffix.count)), shape: $0.shape)
    }
    for pattern in Self.quantizedLayers + Self.neckLayers(configuration, scheme) {
      let matched = weights.filter { TapPattern(pattern).matches($0.layer) }
      guard !matched.isEmpty else { continue }
      rules.append(Rule(layers: pattern, precision: scheme))
      guard scheme == .w4 else { continue }
      for weight in matched where !GroupedWeight.hasRows(weight.shape) {
        rules.append(Rule(layers: weight.layer, precision: .w8))
      }
    }
    guard scheme == .w8a8 else { return }
    rules += Self.quantizedAttention(configuration.imageEncoder.trunk).map {
      Rule(layers: $0, precision: scheme)
    }
  }
}
