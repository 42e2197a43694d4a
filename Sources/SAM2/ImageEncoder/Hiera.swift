import Architecture
import Kernels
import Tensors

/// The backbone: a hierarchy of transformer blocks, each stage at half the resolution of the one before.
/// Source: sam2/modeling/backbones/hieradet.py, Hiera.
struct Hiera: Module {
  let path: ModulePath
  private let patchEmbed: PatchEmbed
  private let blocks: [MultiScaleBlock]
  private let stageEnds: Set<Int>
  /// `[1, H, W, C]` at the model's input size.
  private let positions: Tensor

  init(_ configuration: HieraConfiguration, imageSize: Int, _ scope: Scope) throws {
    path = scope.path
    let dim = configuration.embedDim
    patchEmbed = try PatchEmbed(dim, scope("patch_embed"))
    blocks = try configuration.blocks.enumerated().map { index, block in
      try MultiScaleBlock(block, poolStride: configuration.qStride[0], scope("blocks")(index))
    }
    stageEnds = Set(configuration.stageEnds)
    let background = try scope.parameter(
      "pos_embed", Shape([1, dim] + configuration.windowPosEmbedBkgSpatialSize))
    let window = try scope.parameter(
      "pos_embed_window", [1, dim, configuration.windowSpec[0], configuration.windowSpec[0]])
    positions = Self.positions(background: background, window: window, tokens: imageSize / PatchEmbed.stride)
  }

  /// A coarse embedding stretched over the picture, plus one of a window repeated: `[1, H, W, C]`.
  private static func positions(background: Tensor, window: Tensor, tokens: Int) -> Tensor {
    let stretched = background.resized(to: (tokens, tokens), by: .bicubic)
    let repeats = tokens / window.shape[-1]
    let row = Tensor.concatenated(Array(repeating: window, count: repeats), axis: 3)
    let tiled = Tensor.concatenated(Array(repeating: row, count: repeats), axis: 2)
    return (stretched + tiled).permuted(0, 2, 3, 1)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> [Tensor] {  // [B, 3, H, W] → a [B, C, H′, W′] per stage
    var tokens = patchEmbed(x, run) + positions
    var outputs: [Tensor] = []
    for (index, block) in blocks.enumerated() {
      tokens = block(tokens, run)
      if stageEnds.contains(index) { outputs.append(tokens.permuted(0, 3, 1, 2)) }
    }
    return outputs
  }
}
