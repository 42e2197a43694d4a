import Kernels
import Tensors

/// Cuts a picture into overlapping patches, one token per 4 × 4 pixels.
/// Source: sam2/modeling/backbones/utils.py, PatchEmbed.
struct PatchEmbed: Module {
  /// Pixels per token along one axis.
  static let stride = 4

  let path: ModulePath
  private let proj: Conv2d

  init(_ dim: Int, _ scope: Scope) throws {
    path = scope.path
    proj = try Conv2d(3, dim, kernel: 7, stride: Self.stride, padding: 3, scope("proj"))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, 3, H, W] → [B, H / 4, W / 4, dim]
    proj(x, run).permuted(0, 2, 3, 1)
  }
}
