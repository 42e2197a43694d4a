import Architecture
import Kernels
import Taps
import Tensors

/// Predicts masks from a picture's features and a prompt's embeddings.
/// Source: sam2/modeling/sam/mask_decoder.py, MaskDecoder.
struct MaskDecoder: Module {
  /// What a prediction is made from.
  struct Input {
    /// `[1, C, h, w]`, or one per prompt.
    var imageEmbeddings: Tensor
    /// `[1, C, h, w]`.
    var imagePositions: Tensor
    /// Prompts `[B, N, C]`.
    var sparse: Tensor
    /// Prompts `[B, C, h, w]`, or `[1, C, h, w]` for all.
    var dense: Tensor
    /// `[1, C / 8, 4h, 4w]` and `[1, C / 4, 2h, 2w]`, where the model uses them.
    var highResFeatures: [Tensor]?
    /// Three masks, or one.
    let multimask: Bool
  }

  /// M masks `[B, M, 4h, 4w]` as logits, their predicted IoU `[B, M]`, their tokens `[B, ·, C]`, and the
  /// logit of the object's presence `[B, 1]`.
  struct Output: FieldedValue {
    var masks = Tensor.none
    var iou = Tensor.none
    var tokens = Tensor.none
    var objectScore = Tensor.none

    static var fields: [Field<Output>] {
      [Field("0", \.masks), Field("1", \.iou), Field("2", \.tokens), Field("3", \.objectScore)]
    }
  }

  /// One for a single mask, three for the alternatives of an ambiguous prompt.
  private static let maskTokens = 4

  let path: ModulePath
  private let transformer: TwoWayTransformer
  /// Object score (where predicted), IoU and masks, in that order: `[1, n, C]`.
  private let outputTokens: Tensor
  private let outputUpscaling: OutputUpscaling
  private let convS0: Conv2d?
  private let convS1: Conv2d?
  private let outputHypernetworksMLPs: [MLP<ReLU>]
  private let iouPredictionHead: MLP<ReLU>
  private let predObjScoreHead: ObjectScoreHead?
  private let selection: MaskSelection
  private let useMultimaskTokenForObjPtr: Bool
  private let backend: any Backend
  private let maskUpscaling: Whole<MaskUpscaling.Input, Tensor>?

  init(_ model: ModelConfiguration, _ scope: Scope) throws {
    path = scope.path
    let dim = model.hiddenDim
    transformer = try TwoWayTransformer(depth: 2, dim, heads: 8, mlpDim: 2048, scope("transformer"))
    var tokens = [
      try scope("iou_token").parameter("weight", [1, dim]),
      try scope("mask_tokens").parameter("weight", [Self.maskTokens, dim]),
    ]
    if model.predObjScores { tokens.insert(try scope("obj_score_token").parameter("weight", [1, dim]), at: 0) }
    let stacked = Tensor.concatenated(tokens, axis: 0)
    outputTokens = stacked.reshaped([1, stacked.shape[0], dim])
    outputUpscaling = try OutputUpscaling(dim, scope("output_upscaling"))
    let highRes = model.useHighResFeaturesInSam
    convS0 = highRes ? try Conv2d(dim, dim / 8, kernel: 1, scope("conv_s0")) : nil
    convS1 = highRes ? try Conv2d(dim, dim / 4, kernel: 1, scope("conv_s1")) : nil
    outputHypernetworksMLPs = try (0..<Self.maskTokens).map { index in
      try MLP(
        dim, hidden: dim, dim / 8, layers: 3, activation: ReLU.init(path:),
        scope("output_hypernetworks_mlps")(index))
    }
    iouPredictionHead = try MLP(
      dim, hidden: 256, Self.maskTokens, layers: 3, activation: ReLU.init(path:),
      sigmoidOutput: model.iouPredictionUseSigmoid, scope("iou_prediction_head"))
    predObjScoreHead =
      model.predObjScores
      ? try ObjectScoreHead(dim, mlp: model.predObjScoresMlp, scope("pred_obj_score_head")) : nil
    selection = MaskSelection(configuration: model.samMaskDecoderExtraArgs)
    useMultimaskTokenForObjPtr = model.useMultimaskTokenForObjPtr
    backend = scope.backend
    maskUpscaling = scope("output_upscaling").whole(
      try scope.backend.whole(outputUpscaling.upscaling), replacesModule: true)
  }

  static var fields: [Field<Input>] {
    [
      Field("image_embeddings", \.imageEmbeddings), Field("image_pe", \.imagePositions),
      Field("sparse_prompt_embeddings", \.sparse),
      Field("dense_prompt_embeddings", \.dense, repeatedLike: \.sparse),
      Field("high_res_features", \.highResFeatures),
    ]
  }

  /// What projects the two finest feature levels, the finest first, once per picture. Source: SAM2Base, `forward_image`.
  var projections: [Conv2d] { [convS0, convS1].compactMap(\.self) }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let all = predictMasks(input, run)
    let tokens: Tensor
    let masks: (masks: Tensor, scores: Tensor)
    if input.multimask {
      masks = (
        all.masks.sliced(axis: 1, 1..<Self.maskTokens), all.iou.sliced(axis: 1, 1..<Self.maskTokens)
      )
      tokens = all.tokens.sliced(axis: 1, useMultimaskTokenForObjPtr ? 1..<Self.maskTokens : 0..<1)
    } else {
      masks = selection.single(all.masks, all.iou)
      tokens = all.tokens.sliced(axis: 1, 0..<1)
    }
    return Output(masks: masks.masks, iou: masks.scores, tokens: tokens, objectScore: all.objectScore)
  }

  /// All four masks `[B, 4, 4h, 4w]`, with IoUs `[B, 4]` and tokens `[B, 4, C]`.
  private func predictMasks(_ input: Input, _ run: Run) -> Output {
    let batch = input.sparse.shape[0]
    let dim = input.sparse.shape[2]
    let (height, width) = (input.imageEmbeddings.shape[2], input.imageEmbeddings.shape[3])
    let tokens = Tensor.concatenated(
      [outputTokens.broadcast(to: [batch, outputTokens.shape[1], dim]), input.sparse], axis: 1)
    let image = input.imageEmbeddings + input.dense

    let attended = transformer(
      .init(imageEmbedding: image, imagePositions: input.imagePositions, tokens: tokens), run)
    func token(_ index: Int) -> Tensor {  // [B, C]
      attended.tokens.sliced(axis: 1, index..<index + 1).reshaped([batch, dim])
    }
    let iouToken = predObjScoreHead == nil ? 0 : 1
    let firstMaskToken = iouToken + 1

    let finer = input.highResFeatures
    func maskWeights() -> Tensor {  // [B, 4, C / 8]
      let weights = outputHypernetworksMLPs.enumerated().map { index, mlp in
        mlp(token(firstMaskToken + index), run).reshaped([batch, 1, dim / 8])
      }
      return Tensor.concatenated(weights, axis: 1)
    }
    let masks: Tensor
    if let upscaleAndMultiply = run.kernel(of: maskUpscaling) {
      let source = attended.image.reshaped([batch, height, width, dim]).permutedView(0, 3, 1, 2)
      masks = upscaleAndMultiply(
        MaskUpscaling.Input(picture: source, finest: finer?[0], finer: finer?[1], weights: maskWeights()))
    } else {
      let source = attended.image.permuted(0, 2, 1).reshaped([batch, dim, height, width])
      let upscaled =
        finer.map { outputUpscaling.adding($0[0], $0[1], to: source, run) } ?? outputUpscaling(source, run)
      let weights = maskWeights()
      masks = backend.matmul(weights, upscaled.reshaped([batch, dim / 8, 16 * height * width]))
    }

    let iou = iouPredictionHead(token(iouToken), run)
    // A model that predicts no presence takes every object for present.
    let objectScore = predObjScoreHead?(token(0), run) ?? Tensor(repeating: 10, [batch, 1])
    return Output(
      masks: masks.reshaped([batch, Self.maskTokens, 4 * height, 4 * width]), iou: iou,
      tokens: attended.tokens.sliced(axis: 1, firstMaskToken..<firstMaskToken + Self.maskTokens),
      objectScore: objectScore)
  }
}

/// Predicts whether the object is there: a linear layer, or an MLP. Source: MaskDecoder, `pred_obj_score_head`.
private enum ObjectScoreHead: Sendable {
  case linear(Linear)
  case mlp(MLP<ReLU>)

  init(_ dim: Int, mlp: Bool, _ scope: Scope) throws {
    self =
      mlp
      ? .mlp(try MLP(dim, hidden: dim, 1, layers: 3, activation: ReLU.init(path:), scope))
      : .linear(try Linear(dim, 1, scope))
  }

  func callAsFunction(_ token: Tensor, _ run: Run) -> Tensor {  // [B, C] → [B, 1]
    switch self {
    case .linear(let head): head(token, run)
    case .mlp(let head): head(token, run)
    }
  }
}

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
