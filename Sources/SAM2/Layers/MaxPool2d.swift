import Kernels
import Tensors
import Taps

/// The largest value of every k × k square. Source: torch.nn.MaxPool2d.
///
/// Works on `[B, H, W, C]`, as Hiera has its tokens; taps see PyTorch's `[B, C, H, W]`.
struct MaxPool2d: TorchModule {
  let path: ModulePath
  let kernel: Int

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, H, W, C] → [B, H / k, W / k, C]
    x.maxPooledChannelsLast(kernel: kernel)
  }

  func arguments(_ input: Tensor) -> [(String, any TapValue)] { [("input", input.permuted(0, 3, 1, 2))] }

  func input(of call: RecordedCall, like input: Tensor) throws -> Tensor {
    try call.tensor("input/input").permuted(0, 2, 3, 1)
  }

  func result(_ output: Tensor) -> any TapValue { output.permuted(0, 3, 1, 2) }

  func output(of call: RecordedCall) throws -> Tensor { try call.tensor("output").permuted(0, 2, 3, 1) }
}
