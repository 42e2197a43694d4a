import Kernels
import Tensors

/// `x · weightᵀ + bias` over the last axis. Source: torch.nn.Linear.
struct Linear: TorchModule {
  let path: ModulePath
  let layer: LinearLayer
  private let apply: any Kernel<Tensor, Tensor>

  init(_ inputs: Int, _ outputs: Int, _ scope: Scope) throws {
    path = scope.path
    layer = LinearLayer(
      scope.site, weight: try scope.parameter("weight", [outputs, inputs]),
      bias: try scope.parameter("bias", [outputs]))
    apply = try scope.backend.linear(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // […, inputs] → […, outputs]
    apply(x)
  }
}
