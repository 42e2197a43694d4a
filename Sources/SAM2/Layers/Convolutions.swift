import Kernels
import Tensors

/// A convolution on `[B, C, H, W]`. Source: torch.nn.Conv2d.
struct Conv2d: TorchModule {
  let path: ModulePath
  let layer: ConvolutionLayer
  private let apply: any Kernel<Tensor, Tensor>

  init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1,
    _ scope: Scope
  ) throws {
    path = scope.path
    layer = ConvolutionLayer(
      scope.site, weight: try scope.parameter("weight", [outputs, inputs / groups, kernel, kernel]),
      bias: try scope.parameter("bias", [outputs]), stride: stride, padding: padding, groups: groups)
    apply = try scope.backend.conv2d(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}

/// A transposed convolution on `[B, C, H, W]` whose stride is its kernel. Source: torch.nn.ConvTranspose2d.
struct ConvTranspose2d: TorchModule {
  let path: ModulePath
  let layer: TransposedConvolutionLayer
  private let apply: any Kernel<Tensor, Tensor>

  init(_ inputs: Int, _ outputs: Int, kernel: Int, _ scope: Scope) throws {
    path = scope.path
    layer = TransposedConvolutionLayer(
      scope.site, weight: try scope.parameter("weight", [inputs, outputs, kernel, kernel]),
      bias: try scope.parameter("bias", [outputs]))
    apply = try scope.backend.convTranspose2d(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { apply(x) }
}
