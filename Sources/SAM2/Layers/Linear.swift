import Kernels
import Tensors

/// `x · weightᵀ + bias` over the last axis. Source: torch.nn.Linear.
struct Linear: TorchModule {
  let path: ModulePath
  private let apply: any Kernel

  init(_ inputs: Int, _ outputs: Int, _ scope: Scope) throws {
    path = scope.path
    apply = scope.backend.linear(
      weight: try scope.parameter("weight", [outputs, inputs]), bias: try scope.parameter("bias", [outputs]))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // […, inputs] → […, outputs]
    apply(x)
  }
}
