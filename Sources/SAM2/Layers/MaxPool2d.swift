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

  static var fields: [Field<Tensor>] { [Field("input", \.self, .channelsLast)] }

  static var resultLayout: Layout { .channelsLast }
}
