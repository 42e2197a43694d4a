import Architecture
import Kernels
import Tensors

/// A ConvNeXt block: a spatial convolution, then an MLP over the channels of each pixel.
/// Source: sam2/modeling/memory_encoder.py, CXBlock.
struct CXBlock: Module {
  let path: ModulePath
  private let dwconv: Conv2d
  private let norm: LayerNorm2d
  private let pwconv1: Linear
  private let act: GELU
  private let pwconv2: Linear
  /// `[dim]`
  private let gamma: Tensor?
  private let dropPath: Identity
  let whole: Whole<Tensor, Tensor>?

  init(_ configuration: CXBlockConfiguration, _ scope: Scope) throws {
    path = scope.path
    let dim = configuration.dim
    dwconv = try Conv2d(
      dim, dim, kernel: configuration.kernelSize, padding: configuration.padding,
      groups: configuration.useDwconv ? dim : 1, scope("dwconv"))
    norm = try LayerNorm2d(dim, scope("norm"))
    pwconv1 = try Linear(dim, 4 * dim, scope("pwconv1"))
    act = GELU(path: scope("act").path)
    pwconv2 = try Linear(4 * dim, dim, scope("pwconv2"))
    gamma = configuration.layerScaleInitValue > 0 ? try scope.parameter("gamma", [dim]) : nil
    dropPath = Identity(path: scope("drop_path").path)
    whole = scope.whole(
      try scope.backend.whole(
        ConvNeXtBlock(
          depthwise: dwconv.layer, norm: norm.layer, mlp: FeedForward([pwconv1.layer, pwconv2.layer], .gelu),
          gamma: gamma)))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, dim, h, w] → [B, dim, h, w]
    let input = x
    let pixels = norm(dwconv(input, run), run).permuted(0, 2, 3, 1)
    var mixed = pwconv2(act(pwconv1(pixels, run), run), run)
    if let gamma { mixed = consume mixed * gamma }
    return input + dropPath(mixed.permuted(0, 3, 1, 2), run)
  }
}
