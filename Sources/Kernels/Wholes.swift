// Modules that a backend may run as one. Each means what the `forward` of the module in `SAM2` computes, which defines the
// parts; a whole may move where numbers are rounded, and adds no rounding.
public import Tensors

/// A picture cut into overlapping patches, one token each: a convolution, `[B, in, H, W]` to `[B, H′, W′, out]`.
/// Source: sam2/modeling/backbones/utils.py, PatchEmbed.
public struct PatchEmbedding: Sendable {
  /// The convolution, whose channels come last afterwards.
  public let projection: ConvolutionLayer

  /// An embedding by this layer.
  public init(projection: ConvolutionLayer) { self.projection = projection }
}

/// A level of the feature pyramid that the mask decoder alone looks at, and its projection for it, with nothing between:
/// `[B, in, H, W]`, which may be a view with its channels last, to `[B, out, H′, W′]`. Source:
/// sam2/modeling/backbones/image_encoder.py, FpnNeck, and SAM2Base, `forward_image`.
public struct ProjectedLevel: Sendable {
  /// From a stage of the backbone to the pyramid's channels.
  public let lateral: ConvolutionLayer
  /// From these to what the mask decoder adds.
  public let projection: ConvolutionLayer

  /// A level of these layers.
  public init(lateral: ConvolutionLayer, projection: ConvolutionLayer) {
    self.lateral = lateral
    self.projection = projection
  }
}

/// A block of Hiera, on tokens `[B, H, W, dim]` to `[B, H′, W′, dimOut]`:
/// x′ = shortcut + proj(attention(windows(norm1(x)))), then x′ + mlp(norm2(x′)).
/// Source: sam2/modeling/backbones/hieradet.py, MultiScaleBlock.
public struct HieraBlock: Sendable {
  /// Before the attention.
  public let norm1: NormLayer
  /// Queries, keys and values in one projection, `[dim]` to `[3 · dimOut]`.
  public let qkv: LinearLayer
  /// After the attention, `[dimOut]` to `[dimOut]`.
  public let proj: LinearLayer
  /// Of the attention.
  public let heads: Int
  /// Tokens along a window's side, 0 for all. Where it doesn't divide the tokens, zeros are added below and to the right
  /// *after* norm1: a padded token's query, key and value are the projection's bias, and take part in the softmax.
  public let window: Int
  /// Tokens along the side of the squares whose largest query stands for all, where the block pools; the shortcut is
  /// pooled likewise.
  public let pool: Int?
  /// Where the channels change, the projection of norm1(x) that the shortcut is; else the shortcut is x.
  public let shortcut: LinearLayer?
  /// Before the feed-forward part.
  public let norm2: NormLayer
  /// The feed-forward part.
  public let mlp: FeedForward
  /// How the attention is computed; nil for as its projections are.
  public let attention: Site?

  /// A block of these layers.
  public init(
    norm1: NormLayer, qkv: LinearLayer, proj: LinearLayer, heads: Int, window: Int, pool: Int?,
    shortcut: LinearLayer?, norm2: NormLayer, mlp: FeedForward, attention: Site? = nil
  ) {
    self.attention = attention
    self.norm1 = norm1
    self.qkv = qkv
    self.proj = proj
    self.heads = heads
    self.window = window
    self.pool = pool
    self.shortcut = shortcut
    self.norm2 = norm2
    self.mlp = mlp
  }
}

/// A layer of the memory attention: features attend to themselves, to the memory, then pass a feed-forward part.
/// Source: sam2/modeling/memory_attention.py, MemoryAttentionLayer.
public struct MemoryLayer: Sendable {
  /// What a layer is given; the result is `[B, hw, C]`.
  public struct Input: Sendable {
    /// Features, `[B, hw, C]`.
    public var tgt: Tensor
    /// Frames of hw tokens one after another, then the object pointers: `[B, N, memDim]`.
    public var memory: Tensor
    /// The memory's positions, `[B, N, memDim]`.
    public var pos: Tensor
    /// The features' positions, `[B, hw, C]`.
    public var queryPos: Tensor?
    /// How many tokens at the memory's end are object pointers, which have no place in the picture.
    public let pointerTokens: Int

    /// Features and memory with their positions.
    public init(tgt: Tensor, memory: Tensor, pos: Tensor, queryPos: Tensor?, pointerTokens: Int) {
      self.tgt = tgt
      self.memory = memory
      self.pos = pos
      self.queryPos = queryPos
      self.pointerTokens = pointerTokens
    }
  }

  /// Where positions are added.
  public struct Positions: Hashable, Sendable {
    /// To the queries and keys of the self-attention.
    public let selfAttention: Bool
    /// To the queries of the cross-attention.
    public let queries: Bool
    /// To the keys of the cross-attention, the memory.
    public let keys: Bool

    /// A choice.
    public init(selfAttention: Bool, queries: Bool, keys: Bool) {
      self.selfAttention = selfAttention
      self.queries = queries
      self.keys = keys
    }
  }

  /// Before the self-attention.
  public let norm1: NormLayer
  /// Of the features to themselves.
  public let selfAttention: AttentionLayers
  /// Before the cross-attention.
  public let norm2: NormLayer
  /// Of the features to the memory.
  public let crossAttention: AttentionLayers
  /// Before the feed-forward part.
  public let norm3: NormLayer
  /// The feed-forward part.
  public let mlp: FeedForward
  /// Where positions are added.
  public let adds: Positions
  /// By what queries and keys of the self-attention are turned, for so many tokens: `[tokens, inner / heads]`.
  public let selfTurns: @Sendable (_ tokens: Int) -> Tensor
  /// By what those of the cross-attention are turned.
  public let crossTurns: @Sendable (_ tokens: Int) -> Tensor

  /// A layer of these layers.
  public init(
    norm1: NormLayer, selfAttention: AttentionLayers, norm2: NormLayer, crossAttention: AttentionLayers,
    norm3: NormLayer, mlp: FeedForward, adds: Positions,
    selfTurns: @escaping @Sendable (_ tokens: Int) -> Tensor,
    crossTurns: @escaping @Sendable (_ tokens: Int) -> Tensor
  ) {
    self.norm1 = norm1
    self.selfAttention = selfAttention
    self.norm2 = norm2
    self.crossAttention = crossAttention
    self.norm3 = norm3
    self.mlp = mlp
    self.adds = adds
    self.selfTurns = selfTurns
    self.crossTurns = crossTurns
  }
}

/// A ConvNeXt block, on `[B, C, H, W]`: x + γ · mlp(norm(depthwise(x))).
/// Source: sam2/modeling/memory_encoder.py, CXBlock.
public struct ConvNeXtBlock: Sendable {
  /// Over each channel, or over all where the block is built so.
  public let depthwise: ConvolutionLayer
  /// Over the channels of each pixel.
  public let norm: NormLayer
  /// Over the channels of each pixel.
  public let mlp: FeedForward
  /// γ, `[C]`.
  public let gamma: Tensor?

  /// A block of these layers.
  public init(depthwise: ConvolutionLayer, norm: NormLayer, mlp: FeedForward, gamma: Tensor?) {
    self.depthwise = depthwise
    self.norm = norm
    self.mlp = mlp
    self.gamma = gamma
  }
}

/// Convolutions in a row, each but the last followed by a normalisation over the channels and an activation:
/// `[B, in, H, W]` to `[B, out, H′, W′]`.
/// Source: sam2/modeling/memory_encoder.py, MaskDownSampler; sam2/modeling/sam/prompt_encoder.py, `mask_downscaling`.
public struct ConvolutionRow: Sendable {
  /// One convolution with what follows it.
  public struct Stage: Sendable {
    /// The convolution.
    public let convolution: ConvolutionLayer
    /// Over the channels of what comes out.
    public let norm: NormLayer

    /// A convolution and its normalisation.
    public init(_ convolution: ConvolutionLayer, _ norm: NormLayer) {
      self.convolution = convolution
      self.norm = norm
    }
  }

  /// All but the last convolution.
  public let stages: [Stage]
  /// What follows every stage's normalisation.
  public let activation: Activation
  /// The last convolution.
  public let last: ConvolutionLayer

  /// A row of these layers.
  public init(stages: [Stage], activation: Activation, last: ConvolutionLayer) {
    self.stages = stages
    self.activation = activation
    self.last = last
  }
}

/// The decoder's transformer: tokens and picture attend to each other.
/// Source: sam2/modeling/sam/transformer.py, TwoWayTransformer.
public struct TwoWay: Sendable {
  /// Picture and tokens.
  public struct Input: Sendable {
    /// `[B, C, h, w]`, or `[1, C, h, w]` for one that all prompts share.
    public var imageEmbedding: Tensor
    /// `[B, C, h, w]` or `[1, C, h, w]`.
    public var imagePositions: Tensor
    /// `[B, N, C]`.
    public var tokens: Tensor

    /// Picture and tokens.
    public init(imageEmbedding: Tensor, imagePositions: Tensor, tokens: Tensor) {
      self.imageEmbedding = imageEmbedding
      self.imagePositions = imagePositions
      self.tokens = tokens
    }
  }

  /// Tokens and picture after the exchange.
  public struct Output: Sendable {
    /// `[B, N, C]`.
    public var tokens: Tensor
    /// `[B, hw, C]`.
    public var image: Tensor

    /// Tokens and picture.
    public init(tokens: Tensor, image: Tensor) {
      self.tokens = tokens
      self.image = image
    }
  }

  /// One exchange. Source: TwoWayAttentionBlock.
  public struct Layer: Sendable {
    /// Of the tokens to themselves.
    public let selfAttention: AttentionLayers
    /// After the self-attention.
    public let norm1: NormLayer
    /// Of the tokens to the picture.
    public let tokensToImage: AttentionLayers
    /// After the tokens' attention to the picture.
    public let norm2: NormLayer
    /// The tokens' feed-forward part.
    public let mlp: FeedForward
    /// After the feed-forward part.
    public let norm3: NormLayer
    /// Of the picture to the tokens.
    public let imageToTokens: AttentionLayers
    /// After the picture's attention to the tokens.
    public let norm4: NormLayer
    /// Whether the self-attention takes the tokens without their positions and replaces them, as the first layer's does.
    public let skipsPositions: Bool

    /// A layer of these layers.
    public init(
      selfAttention: AttentionLayers, norm1: NormLayer, tokensToImage: AttentionLayers, norm2: NormLayer,
      mlp: FeedForward, norm3: NormLayer, imageToTokens: AttentionLayers, norm4: NormLayer, skipsPositions: Bool
    ) {
      self.selfAttention = selfAttention
      self.norm1 = norm1
      self.tokensToImage = tokensToImage
      self.norm2 = norm2
      self.mlp = mlp
      self.norm3 = norm3
      self.imageToTokens = imageToTokens
      self.norm4 = norm4
      self.skipsPositions = skipsPositions
    }
  }

  /// In the order in which they run.
  public let layers: [Layer]
  /// Of the tokens to the picture, after the layers.
  public let finalAttention: AttentionLayers
  /// Of the tokens at last.
  public let finalNorm: NormLayer

  /// A transformer of these layers.
  public init(layers: [Layer], finalAttention: AttentionLayers, finalNorm: NormLayer) {
    self.layers = layers
    self.finalAttention = finalAttention
    self.finalNorm = finalNorm
  }
}

/// The decoder's upscaling times what the hypernetworks make: a span of its `forward` that PyTorch has no module for. No
/// upscaled picture needs to be kept. Source: sam2/modeling/sam/mask_decoder.py, `predict_masks`.
public struct MaskUpscaling: Sendable {
  /// What masks are made from; the result is `[B, M, 4h, 4w]`.
  public struct Input: Sendable {
    /// `[B, C, h, w]`; may be a view of `[B, h, w, C]`, as it comes from the transformer.
    public let picture: Tensor
    /// Finer features that are added, the same for all prompts: `[1, C / 8, 4h, 4w]` and `[1, C / 4, 2h, 2w]`.
    public let finest: Tensor?, finer: Tensor?
    /// What each of M masks takes of each channel, `[B, M, C / 8]`.
    public let weights: Tensor

    /// A picture and what is to be made of it.
    public init(picture: Tensor, finest: Tensor?, finer: Tensor?, weights: Tensor) {
      self.picture = picture
      self.finest = finest
      self.finer = finer
      self.weights = weights
    }
  }

  /// To twice the size, `[C]` to `[C / 4]`; the finer features are added to what comes out.
  public let conv0: TransposedConvolutionLayer
  /// Over the channels, followed by a GELU.
  public let norm1: NormLayer
  /// To twice the size again, `[C / 4]` to `[C / 8]`; the finest features are added, then follows a GELU.
  public let conv3: TransposedConvolutionLayer

  /// An upscaling of these layers.
  public init(conv0: TransposedConvolutionLayer, norm1: NormLayer, conv3: TransposedConvolutionLayer) {
    self.conv0 = conv0
    self.norm1 = norm1
    self.conv3 = conv3
  }
}
