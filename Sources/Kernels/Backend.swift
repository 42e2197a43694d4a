public import Tensors

/// What prepares a model's heavy operations: given weights once, at load, it returns kernels ready to call.
///
/// Layouts are PyTorch's: linear layers act on the last axis, convolutions on `[B, C, H, W]`.
public protocol Backend: Sendable {
  /// The name that goes into a trace, such as `openblas`.
  var name: String { get }
  /// The underlying library's version.
  var version: String { get }

  /// `x · weightᵀ + bias`. `weight`: `[out, in]`, `bias`: `[out]`. The kernel maps `[…, in]` to `[…, out]`.
  func linear(weight: Tensor, bias: Tensor?) -> any Kernel

  /// A 2-d convolution. `weight`: `[out, in / groups, kh, kw]`. The kernel maps `[B, in, H, W]` to
  /// `[B, out, H′, W′]`.
  func conv2d(weight: Tensor, bias: Tensor?, stride: Int, padding: Int, groups: Int) -> any Kernel

  /// A transposed convolution whose stride equals its kernel, so that outputs don't overlap.
  /// `weight`: `[in, out, k, k]`. The kernel maps `[B, in, H, W]` to `[B, out, k·H, k·W]`.
  func convTranspose2d(weight: Tensor, bias: Tensor?) -> any Kernel

  /// Normalisation over the last axis. `weight` and `bias`: `[C]`; the variance is biased.
  func layerNorm(weight: Tensor, bias: Tensor, epsilon: Float) -> any Kernel

  /// Normalisation over axis 1 of `[B, C, H, W]`.
  func layerNorm2d(weight: Tensor, bias: Tensor, epsilon: Float) -> any Kernel

  /// Scaled dot-product attention, softmax(q · kᵀ / √d) · v.
  func attention() -> any AttentionKernel

  /// The matrix product over the last two axes, `[…, m, k] × […, k, n]`; leading axes agree.
  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor
}

/// One prepared operation on one tensor. It may reuse its argument's memory if nobody else holds it.
public protocol Kernel: Sendable {
  /// Applies the operation.
  func callAsFunction(_ x: consuming Tensor) -> Tensor
}

/// Prepared scaled dot-product attention.
public protocol AttentionKernel: Sendable {
  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`. Returns `[B, Nq, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor

  /// Attention straight from the projection's output, `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor
}
