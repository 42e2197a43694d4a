// Features and a mask to a memory. Source: sam2/modeling/memory_encoder.py.
import Architecture
import Kernels
import Taps
import Tensors

/// Turns a frame's features and an object's mask into a memory of both.
/// Source: sam2/modeling/memory_encoder.py, MemoryEncoder.
struct MemoryEncoder: Module {
  /// Features and masks, which the official predictor gives one object at a time.
  struct Input {
    /// `[B, C, h, w]`.
    var pixFeat: Tensor
    /// `[B, 1, S, S]`, already scaled: PyTorch's `skip_mask_sigmoid`.
    var masks: Tensor
  }

  /// Memories `[B, memDim, h, w]` and their position encodings.
  struct Output: FieldedValue {
    var visionFeatures = Tensor.none
    var visionPosEnc: [Tensor] = []

    static var fields: [Field<Output>] {
      [Field("vision_features", \.visionFeatures), Field("vision_pos_enc", \.visionPosEnc)]
    }
  }

  let path: ModulePath
  private let maskDownsampler: MaskDownSampler
  private let pixFeatProj: Conv2d
  private let fuser: Fuser
  private let positionEncoding: PositionEmbeddingSine
  private let outProj: any Module<Tensor, Tensor>

  init(_ configuration: MemoryEncoderConfiguration, _ scope: Scope) throws {
    path = scope.path
    let (inputs, outputs) = (configuration.inDim, configuration.outDim)
    maskDownsampler = try MaskDownSampler(configuration.maskDownsampler, scope("mask_downsampler"))
    pixFeatProj = try Conv2d(inputs, inputs, kernel: 1, scope("pix_feat_proj"))
    fuser = try Fuser(configuration.fuser, scope("fuser"))
    positionEncoding = PositionEmbeddingSine(configuration.positionEncoding, scope("position_encoding"))
    if outputs == inputs {
      outProj = Identity(path: scope("out_proj").path)
    } else {
      outProj = try Conv2d(inputs, outputs, kernel: 1, scope("out_proj"))
    }
  }

  static var fields: [Field<Input>] { [Field("pix_feat", \.pixFeat), Field("masks", \.masks)] }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let masks = maskDownsampler(input.masks, run)
    let features = outProj(fuser(masks + pixFeatProj(input.pixFeat, run), run), run)
    return Output(visionFeatures: features, visionPosEnc: [positionEncoding(features, run)])
  }

  /// The position encoding of a memory that was stored without: `[B, memDim, h, w]`.
  func positions(of memory: Tensor) -> Tensor { positionEncoding(memory, Run()) }
}

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

/// Fuses mask and image features that were added up: a projection or none, then blocks.
/// Source: sam2/modeling/memory_encoder.py, Fuser.
struct Fuser: Module {
  let path: ModulePath
  private let proj: any Module<Tensor, Tensor>
  private let layers: [CXBlock]

  init(_ configuration: FuserConfiguration, _ scope: Scope) throws {
    path = scope.path
    if configuration.inputProjection, let dim = configuration.dim {
      proj = try Conv2d(dim, dim, kernel: 1, scope("proj"))
    } else {
      proj = Identity(path: scope("proj").path)
    }
    layers = try (0..<configuration.numLayers).map { index in
      try CXBlock(configuration.layer, scope("layers")(index))
    }
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, C, h, w] → [B, C, h, w]
    x = proj(x, run)
    for layer in layers { x = layer(x, run) }
    return x
  }
}

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
