import Kernels
import Tensors

/// Normalisation over the last axis. Source: torch.nn.LayerNorm.
struct LayerNorm: TorchModule {
  let path: ModulePath
  let layer: NormLayer
  private let apply: any Kernel<Tensor, Tensor>

  /// PyTorch's default epsilon is 1e-5; Hiera asks for 1e-6.
  init(_ channels: Int, epsilon: Float = 1e-5, _ scope: Scope) throws {
    path = scope.path
    layer = NormLayer(
      scope.site, weight: try scope.parameter("weight", [channels]),
      bias: try scope.parameter("bias", [channels]), epsilon: epsilon)
    apply = try scope.backend.layerNorm(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}

/// Normalisation over the channels of `[B, C, H, W]`. Source: sam2/modeling/sam2_utils.py, LayerNorm2d.
struct LayerNorm2d: Module {
  let path: ModulePath
  let layer: NormLayer
  private let apply: any Kernel<Tensor, Tensor>

  init(_ channels: Int, _ scope: Scope) throws {
    path = scope.path
    layer = NormLayer(
      scope.site, weight: try scope.parameter("weight", [channels]),
      bias: try scope.parameter("bias", [channels]), epsilon: 1e-6)
    apply = try scope.backend.layerNorm2d(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}
