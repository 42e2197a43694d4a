import Architecture
import Kernels
import Tensors

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
          mlp: mlp.feedForward)))
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
