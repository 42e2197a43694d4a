// The backbone. Source: sam2/modeling/backbones/hieradet.py and utils.py.
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
  /// A coarse embedding stretched over the picture, plus one of a window repeated.
  private let positions: GridPositions

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
    let side = imageSize / PatchEmbed.stride
    positions = GridPositions(stretching: background, repeating: window, over: (side, side))
  }

  /// Where nobody looks stages are views with their channels last: who takes them may take pixels as they lie.
  func forward(_ x: consuming Tensor, _ run: Run) -> [Tensor] {  // [B, 3, H, W] → a [B, C, H′, W′] per stage
    var tokens = positions.added(to: patchEmbed(x, run))
    var outputs: [Tensor] = []
    for (index, block) in blocks.enumerated() {
      tokens = block(tokens, run)
      guard stageEnds.contains(index) else { continue }
      outputs.append(run.isWatched ? tokens.permuted(0, 3, 1, 2) : tokens.permutedView(0, 3, 1, 2))
    }
    return outputs
  }
}

/// Cuts a picture into overlapping patches, one token per 4 × 4 pixels.
/// Source: sam2/modeling/backbones/utils.py, PatchEmbed.
struct PatchEmbed: Module {
  /// Pixels per token along one axis.
  static let stride = 4

  let path: ModulePath
  private let proj: Conv2d
  let whole: Whole<Tensor, Tensor>?

  init(_ dim: Int, _ scope: Scope) throws {
    path = scope.path
    proj = try Conv2d(3, dim, kernel: 7, stride: Self.stride, padding: 3, scope("proj"))
    whole = scope.whole(try scope.backend.whole(PatchEmbedding(projection: proj.layer)))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, 3, H, W] → [B, H / 4, W / 4, dim]
    proj(x, run).permuted(0, 2, 3, 1)
  }
}

/// A transformer block of Hiera: attention in windows or over everything, then an MLP.
/// Source: sam2/modeling/backbones/hieradet.py, MultiScaleBlock.
struct MultiScaleBlock: Module {
  let path: ModulePath
  private let windowSize: Int
  private let norm1: LayerNorm
  private let attn: MultiScaleAttention
  private let dropPath: Identity
  private let norm2: LayerNorm
  private let mlp: MLP<GELU>
  /// Where the channels change.
  private let proj: Linear?
  /// Where a stage begins. The attention pools its queries with the same module.
  private let pool: MaxPool2d?
  let whole: Whole<Tensor, Tensor>?

  init(_ block: HieraConfiguration.Block, poolStride: Int, _ scope: Scope) throws {
    path = scope.path
    windowSize = block.windowSize
    norm1 = try LayerNorm(block.dim, epsilon: 1e-6, scope("norm1"))
    pool = block.poolsQueries ? MaxPool2d(path: scope("pool").path, kernel: poolStride) : nil
    attn = try MultiScaleAttention(block.dim, block.dimOut, heads: block.heads, qPool: pool, scope("attn"))
    dropPath = Identity(path: scope("drop_path").path)
    norm2 = try LayerNorm(block.dimOut, epsilon: 1e-6, scope("norm2"))
    mlp = try MLP(
      block.dimOut, hidden: 4 * block.dimOut, block.dimOut, layers: 2, activation: GELU.init(path:),
      scope("mlp"))
    proj = block.dim == block.dimOut ? nil : try Linear(block.dim, block.dimOut, scope("proj"))
    whole = scope.whole(
      try scope.backend.whole(
        HieraBlock(
          norm1: norm1.layer, qkv: attn.qkv.layer, proj: attn.proj.layer, heads: block.heads,
          window: block.windowSize, pool: pool?.kernel, shortcut: proj?.layer, norm2: norm2.layer,
          mlp: mlp.feedForward, attention: attn.site)))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, H, W, dim] → [B, H′, W′, dimOut]
    var shortcut = copy x
    let normed = norm1(consume x, run)
    if let proj {
      let projected = proj(normed, run)
      shortcut = pool?(projected, run) ?? projected
    }
    let attended = dropPath(attention(normed, like: shortcut.shape, run), run)
    let sum = consume attended + shortcut
    return dropPath(mlp(norm2(sum, run), run), run) + sum
  }

  /// Attention in windows, put together again and cut to the height and width of `target`.
  private func attention(_ x: consuming Tensor, like target: Shape, _ run: Run) -> Tensor {
    guard windowSize > 0 else { return attn(x, run) }
    let (windows, padded) = x.windowPartitioned(windowSize)
    let attended = attn(windows, run)
    guard let pool else {
      return attended.windowUnpartitioned(
        size: windowSize, padded: padded, height: target[1], width: target[2])
    }
    // Pooled queries have a window of their own, and its padding.
    let size = windowSize / pool.kernel
    let pooled = (height: target[1].roundedUp(to: size), width: target[2].roundedUp(to: size))
    return attended.windowUnpartitioned(size: size, padded: pooled, height: target[1], width: target[2])
  }
}

extension Int {
  /// The next multiple of `step`, or the number itself.
  fileprivate func roundedUp(to step: Int) -> Int { (self + step - 1) / step * step }
}

/// Attention within one window, with optional query pooling.
/// Source: sam2/modeling/backbones/hieradet.py, MultiScaleAttention.
struct MultiScaleAttention: Module {
  let path: ModulePath
  private let heads: Int
  let qkv: Linear
  let proj: Linear
  /// Of what stands between the projections.
  let site: Site
  private let attend: any AttentionKernel
  private let qPool: MaxPool2d?

  init(_ dim: Int, _ dimOut: Int, heads: Int, qPool: MaxPool2d?, _ scope: Scope) throws {
    path = scope.path
    self.heads = heads
    self.qPool = qPool
    qkv = try Linear(dim, 3 * dimOut, scope("qkv"))
    proj = try Linear(dimOut, dimOut, scope("proj"))
    site = scope.site
    attend = try scope.backend.attention(site)
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, H, W, dim] → [B, H′, W′, dimOut]
    let (batch, height, width) = (x.shape[0], x.shape[1], x.shape[2])
    let projected = qkv(x, run)
    let dim = projected.shape[-1] / 3
    let split = projected.reshaped([batch, height * width, 3, heads, dim / heads])
    guard let qPool else {
      return proj(attend(packed: split).reshaped([batch, height, width, dim]), run)
    }
    let query = split.sliced(axis: 2, 0..<1).reshaped([batch, height, width, dim])
    let key = split.sliced(axis: 2, 1..<2).reshaped([batch, height * width, heads, dim / heads])
    let value = split.sliced(axis: 2, 2..<3).reshaped([batch, height * width, heads, dim / heads])
    let pooled = qPool(query, run)
    let (rows, columns) = (pooled.shape[1], pooled.shape[2])
    let attended = attend(pooled.reshaped([batch, rows * columns, heads, dim / heads]), key, value)
    return proj(attended.reshaped([batch, rows, columns, dim]), run)
  }
}
