import Architecture
import Tensors

/// Fuses mask and image features that were added up: a projection or none, then blocks.
/// Source: sam2/modeling/memory_encoder.py, Fuser.
struct Fuser: Module {
  let path: ModulePath
  private let proj: any Module<Tensor, Tensor>
  private let layers: [CXBlock]

  init(_ configuration: FuserConfiguration, _ scope: Scope) throws {
    path = scope.path
    if configuration.inputProjection, let dim = configuration.dim {
      proj = try Conv2d(dim, dim, kernel: 1, scope("proj"))
    } else {
      proj = Identity(path: scope("proj").path)
    }
    layers = try (0..<configuration.numLayers).map { index in
      try CXBlock(configuration.layer, scope("layers")(index))
    }
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, C, h, w] → [B, C, h, w]
    x = proj(x, run)
    for layer in layers { x = layer(x, run) }
    return x
  }
}
