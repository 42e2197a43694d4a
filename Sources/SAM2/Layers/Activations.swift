import Kernels
import Tensors

/// x · Φ(x), with the exact normal distribution. Source: torch.nn.GELU.
struct GELU: TorchModule {
  let path: ModulePath
  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { x.gelu() }
}

/// max(x, 0). Source: torch.nn.ReLU.
struct ReLU: TorchModule {
  let path: ModulePath
  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { x.relu() }
}

/// Its argument. Source: torch.nn.Identity, which stands where training drops paths.
struct Identity: TorchModule {
  let path: ModulePath
  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { x }
}
