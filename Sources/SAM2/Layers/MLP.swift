import Kernels
import Tensors

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
