import Kernels
import Tensors

/// Brings the picture's features to four times their resolution.
/// Source: the `Sequential` of that name in sam2/modeling/sam/mask_decoder.py, MaskDecoder.
struct OutputUpscaling: TorchModule {
  let path: ModulePath
  private let conv0: ConvTranspose2d
  private let norm1: LayerNorm2d
  private let act2: GELU
  private let conv3: ConvTranspose2d
  private let act4: GELU

  /// The layers as data.
  var upscaling: MaskUpscaling { MaskUpscaling(conv0: conv0.layer, norm1: norm1.layer, conv3: conv3.layer) }

  init(_ dim: Int, _ scope: Scope) throws {
    path = scope.path
    conv0 = try ConvTranspose2d(dim, dim / 4, kernel: 2, scope(0))
    norm1 = try LayerNorm2d(dim / 4, scope(1))
    act2 = GELU(path: scope(2).path)
    conv3 = try ConvTranspose2d(dim / 4, dim / 8, kernel: 2, scope(3))
    act4 = GELU(path: scope(4).path)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, C, h, w] → [B, C / 8, 4h, 4w]
    act4(conv3(act2(norm1(conv0(x, run), run), run), run), run)
  }

  /// The same with finer features `[·, C / 8, 4h, 4w]` and `[·, C / 4, 2h, 2w]` added. The official decoder
  /// then calls the parts itself, so that only they are tapped.
  func adding(_ finest: Tensor, _ finer: Tensor, to x: Tensor, _ run: Run) -> Tensor {
    let doubled = act2(norm1(conv0(x, run) + finer, run), run)
    return act4(conv3(doubled, run) + finest, run)
  }
}
