// Layers as data: what a backend prepares kernels from.
//
// Each layer is one object, shared by the module that is its own and by the whole that it is part of, so that a backend
// that packs weights finds what it has packed by the object.
public import Tensors

/// `x · weightᵀ + bias` over the last axis, `[…, in]` to `[…, out]`. Source: torch.nn.Linear.
public final class LinearLayer: Sendable {
  /// Which layer it is, and its precision.
  public let site: Site
  /// `[out, in]`.
  public let weight: Tensor
  /// `[out]`.
  public let bias: Tensor?
  /// What `weight` was made from where the layer's weights are whole numbers; nil elsewhere.
  public let quantized: QuantizedWeight?

  /// A layer of these weights.
  public init(_ site: Site, weight: Tensor, bias: Tensor?, quantized: QuantizedWeight? = nil) {
    precondition(
      weight.shape.rank == 2 && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "\(site.path): linear with weight \(weight.shape) and bias \(bias?.shape ?? [])")
    self.site = site
    self.weight = weight
    self.bias = bias
    self.quantized = quantized
  }
}

/// Normalisation over the channels, with the biased variance. Source: torch.nn.LayerNorm; for the channels of
/// `[B, C, H, W]` sam2/modeling/sam2_utils.py, LayerNorm2d.
public final class NormLayer: Sendable {
  /// Which layer it is, and its precision.
  public let site: Site
  /// `[C]`.
  public let weight: Tensor
  /// `[C]`.
  public let bias: Tensor
  /// What is added to the variance.
  public let epsilon: Float

  /// A layer of these weights.
  public init(_ site: Site, weight: Tensor, bias: Tensor, epsilon: Float) {
    precondition(
      weight.shape.rank == 1 && bias.shape == weight.shape,
      "\(site.path): normalisation with weight \(weight.shape) and bias \(bias.shape)")
    self.site = site
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
  }
}

/// A convolution, `[B, in, H, W]` to `[B, out, H′, W′]`. Source: torch.nn.Conv2d.
public final class ConvolutionLayer: Sendable {
  /// Which layer it is, and its precision.
  public let site: Site
  /// `[out, in / groups, kh, kw]`.
  public let weight: Tensor
  /// `[out]`.
  public let bias: Tensor?
  /// What `weight` was made from where the layer's weights are whole numbers; nil elsewhere.
  public let quantized: QuantizedWeight?
  /// Pixels from one output to the next.
  public let stride: Int
  /// Zeros around the image, in pixels.
  public let padding: Int
  /// Into how many parts the channels are cut that don't see each other.
  public let groups: Int

  /// A layer of these weights.
  public init(
    _ site: Site, weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, groups: Int = 1,
    quantized: QuantizedWeight? = nil
  ) {
    precondition(
      weight.shape.rank == 4 && weight.shape[0] % groups == 0
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "\(site.path): convolution with weight \(weight.shape) in \(groups) groups and bias \(bias?.shape ?? [])")
    self.site = site
    self.weight = weight
    self.bias = bias
    self.stride = stride
    self.padding = padding
    self.groups = groups
    self.quantized = quantized
  }
}

/// A transposed convolution whose stride is its kernel, so that outputs don't overlap: `[B, in, H, W]` to
/// `[B, out, k·H, k·W]`. Source: torch.nn.ConvTranspose2d.
public final class TransposedConvolutionLayer: Sendable {
  /// Which layer it is, and its precision.
  public let site: Site
  /// `[in, out, k, k]`.
  public let weight: Tensor
  /// `[out]`.
  public let bias: Tensor?

  /// A layer of these weights.
  public init(_ site: Site, weight: Tensor, bias: Tensor?) {
    precondition(
      weight.shape.rank == 4 && weight.shape[2] == weight.shape[3]
        && (bias.map { $0.shape == [weight.shape[1]] } ?? true),
      "\(site.path): transposed convolution with weight \(weight.shape) and bias \(bias?.shape ?? [])")
    self.site = site
    self.weight = weight
    self.bias = bias
  }
}

/// What stands between layers.
public enum Activation: Hashable, Sendable {
  /// x · Φ(x), with the exact normal distribution.
  case gelu
  /// max(x, 0).
  case relu
}

/// Linear layers with an activation between them, `[…, in]` to `[…, out]`.
public struct FeedForward: Sendable {
  /// In the order in which they are applied.
  public let layers: [LinearLayer]
  /// What follows every layer but the last.
  public let activation: Activation

  /// Layers that fit each other.
  public init(_ layers: [LinearLayer], _ activation: Activation) {
    self.layers = layers
    self.activation = activation
  }
}

/// Attention between projections. Source: sam2/modeling/sam/transformer.py, Attention.
public struct AttentionLayers: Sendable {
  /// The projections of queries, keys and values, each to `[…, inner]`.
  public let q: LinearLayer, k: LinearLayer, v: LinearLayer
  /// The projection of what was attended to, from `[…, inner]`.
  public let out: LinearLayer
  /// Into how many heads the inner channels are cut.
  public let heads: Int
  /// How what stands between the projections is computed; nil for as they are.
  public let site: Site?

  /// Projections around attention with so many heads.
  public init(
    q: LinearLayer, k: LinearLayer, v: LinearLayer, out: LinearLayer, heads: Int, site: Site? = nil
  ) {
    self.site = site
    (self.q, self.k, self.v) = (q, k, v)
    self.out = out
    self.heads = heads
  }
}
