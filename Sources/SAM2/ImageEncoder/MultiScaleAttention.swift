import Kernels
import Tensors

/// Attention within one window, with optional query pooling.
/// Source: sam2/modeling/backbones/hieradet.py, MultiScaleAttention.
struct MultiScaleAttention: Module {
  let path: ModulePath
  private let heads: Int
  let qkv: Linear
  let proj: Linear
  private let attend: any AttentionKernel
  private let qPool: MaxPool2d?

  init(_ dim: Int, _ dimOut: Int, heads: Int, qPool: MaxPool2d?, _ scope: Scope) throws {
    path = scope.path
    self.heads = heads
    self.qPool = qPool
    qkv = try Linear(dim, 3 * dimOut, scope("qkv"))
    proj = try Linear(dimOut, dimOut, scope("proj"))
    attend = try scope.backend.attention(scope.site)
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
