import Architecture
import Kernels
import Tensors

/// Brings a mask down to the features' size: strided convolutions with more and more channels, then one to
/// `embedDim`. Source: sam2/modeling/memory_encoder.py, MaskDownSampler.
struct MaskDownSampler: Module {
  /// The convolutions with what follows each, numbered through. Source: torch.nn.Sequential.
  private struct Encoder: TorchModule {
    let path: ModulePath
    let stages: [(conv: Conv2d, norm: LayerNorm2d, act: GELU)]
    let last: Conv2d

    func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {
      for stage in stages { x = stage.act(stage.norm(stage.conv(x, run), run), run) }
      return last(x, run)
    }
  }

  let path: ModulePath
  private let encoder: Encoder
  let whole: Whole<Tensor, Tensor>?

  init(_ configuration: MaskDownSamplerConfiguration, _ scope: Scope) throws {
    path = scope.path
    let encoder = scope("encoder")
    let channels = [1] + configuration.channels
    let stages = try channels.indices.dropLast().map { stage in
      (
        conv: try Conv2d(
          channels[stage], channels[stage + 1], kernel: configuration.kernelSize, stride: configuration.stride,
          padding: configuration.padding, encoder(3 * stage)),
        norm: try LayerNorm2d(channels[stage + 1], encoder(3 * stage + 1)),
        act: GELU(path: encoder(3 * stage + 2).path)
      )
    }
    self.encoder = Encoder(
      path: encoder.path, stages: stages,
      last: try Conv2d(
        channels[channels.count - 1], configuration.embedDim, kernel: 1, encoder(3 * stages.count)))
    whole = scope.whole(
      try scope.backend.whole(
        ConvolutionRow(
          stages: stages.map { .init($0.conv.layer, $0.norm.layer) }, activation: .gelu,
          last: self.encoder.last.layer)))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, 1, S, S] → [B, embedDim, h, w]
    encoder(x, run)
  }
}
