// Modules of PyTorch's own and of sam2/modeling/sam2_utils.py, each around one prepared kernel.
import Kernels
import Taps
import Tensors

/// `x · weightᵀ + bias` over the last axis. Source: torch.nn.Linear.
struct Linear: TorchModule {
  let path: ModulePath
  let layer: LinearLayer
  private let apply: any Kernel<Tensor, Tensor>

  init(_ inputs: Int, _ outputs: Int, _ scope: Scope) throws {
    path = scope.path
    let site = scope.site
    let weight = try scope.weight([outputs, inputs], at: site)
    layer = LinearLayer(
      site, weight: weight.tensor, bias: try scope.parameter("bias", [outputs]), quantized: weight.quantized)
    apply = try scope.backend.linear(layer)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // […, inputs] → […, outputs]
    apply(x)
  }
}

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
    let site = scope.site
    let weight = try scope.weight([outputs, inputs / groups, kernel, kernel], at: site)
    layer = ConvolutionLayer(
      site, weight: weight.tensor, bias: try scope.parameter("bias", [outputs]), stride: stride,
      padding: padding, groups: groups, quantized: weight.quantized)
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

/// Linear layers with an activation between them. Source: sam2/modeling/sam2_utils.py, MLP.
struct MLP<Activation: TorchModule>: Module {
  let path: ModulePath
  private let layers: [Linear]
  private let act: Activation
  private let sigmoidOutput: Bool

  /// The layers as data.
  var feedForward: FeedForward { FeedForward(layers.map(\.layer), act is GELU ? .gelu : .relu) }

  init(
    _ inputs: Int, hidden: Int, _ outputs: Int, layers count: Int, activation: (ModulePath) -> Activation,
    sigmoidOutput: Bool = false, _ scope: Scope
  ) throws {
    path = scope.path
    layers = try (0..<count).map { index in
      try Linear(
        index == 0 ? inputs : hidden, index == count - 1 ? outputs : hidden, scope("layers")(index))
    }
    act = activation(scope("act").path)
    self.sigmoidOutput = sigmoidOutput
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // […, inputs] → […, outputs]
    for layer in layers.dropLast() { x = act(layer(x, run), run) }
    let output = layers[layers.count - 1](x, run)
    return sigmoidOutput ? output.sigmoid() : output
  }
}
