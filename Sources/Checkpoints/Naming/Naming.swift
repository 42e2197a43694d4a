/// How a file calls SAM 2's tensors.
public enum Naming: String, Sendable, CaseIterable {
  /// As the official code does: `image_encoder.trunk.blocks.0.attn.qkv.weight`.
  case meta
  /// As Hugging Face's transformers does: `vision_encoder.backbone.blocks.0.attn.qkv.weight`.
  case transformers

  /// A tensor that every SAM 2 model has, whatever its size.
  var landmark: String {
    switch self {
    case .meta: "image_encoder.trunk.pos_embed"
    case .transformers: "vision_encoder.backbone.pos_embed"
    }
  }
}
