import Kernels
import Tensors

/// Normalisation over the last axis. Source: torch.nn.LayerNorm.
struct LayerNorm: TorchModule {
  let path: ModulePath
  private let apply: any Kernel

  /// PyTorch's default epsilon is 1e-5; Hiera asks for 1e-6.
  init(_ channels: Int, epsilon: Float = 1e-5, _ scope: Scope) throws {
    path = scope.path
    apply = scope.backend.layerNorm(
      weight: try scope.parameter("weight", [channels]), bias: try scope.parameter("bias", [channels]),
      epsilon: epsilon)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}

/// Normalisation over the channels of `[B, C, H, W]`. Source: sam2/modeling/sam2_utils.py, LayerNorm2d.
struct LayerNorm2d: Module {
  let path: ModulePath
  private let apply: any Kernel

  init(_ channels: Int, _ scope: Scope) throws {
    path = scope.path
    apply = scope.backend.layerNorm2d(
      weight: try scope.parameter("weight", [channels]), bias: try scope.parameter("bias", [channels]),
      epsilon: 1e-6)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}
