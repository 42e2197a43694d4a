import Architecture
import Kernels
public import Tensors

/// Segments pictures: embed a picture once, then ask about it as often as you like.
/// Source: sam2/sam2_image_predictor.py, SAM2ImagePredictor.
public struct ImagePredictor: Sendable {
  /// The model that predicts.
  public let model: SAM2Base

  /// A predictor over `model`.
  public init(_ model: SAM2Base) { self.model = model }

  /// Embeds a picture.
  ///
  /// - Parameters:
  ///   - image: `[3, S, S]`, resized to the model's `imageSize` and normalised.
  ///   - width: the original picture's width in pixels, in which prompts will be given.
  ///   - height: its height in pixels.
  /// - Throws: `SAM2Error.wrongPicture`.
  public func embed(_ image: Tensor, width: Int, height: Int, _ run: Run = Run()) throws(SAM2Error)
    -> ImageEmbedding
  {
    let size = model.configuration.imageSize
    guard image.shape == [3, size, size] else {
      throw .wrongPicture(expected: [3, size, size], found: image.shape)
    }
    let levels = model.forwardImage(image.reshaped([1, 3, size, size]), run)
    let last = levels[levels.count - 1]
    return ImageEmbedding(
      features: model.configuration.directlyAddNoMemEmbed ? last + model.noMemEmbed : last,
      highResFeatures: model.configuration.useHighResFeaturesInSam ? Array(levels.dropLast().suffix(2)) : nil,
      width: width, height: height)
  }

  /// An embedding that was stored, which has to be one that this model's configuration makes.
  ///
  /// - Parameters:
  ///   - tensors: what `ImageEmbedding.tensors` gave.
  ///   - width: the original picture's width in pixels.
  ///   - height: its height in pixels.
  /// - Throws: `SAM2Error.wrongEmbedding`.
  public func embedding(_ tensors: [String: Tensor], width: Int, height: Int) throws(SAM2Error)
    -> ImageEmbedding
  {
    let (side, dim) = (model.configuration.imageEmbeddingSize, model.configuration.hiddenDim)
    func tensor(_ name: String, _ expected: Shape) throws(SAM2Error) -> Tensor {
      guard let tensor = tensors[name], tensor.shape == expected, tensor.elementType == .float32 else {
        let found = tensors[name].map { "\($0.elementType) \($0.shape)" } ?? "none"
        throw .wrongEmbedding(tensor: name, expected: expected, found: found)
      }
      return tensor
    }
    return ImageEmbedding(
      features: try tensor(ImageEmbedding.featuresName, [1, dim, side, side]),
      highResFeatures: model.configuration.useHighResFeaturesInSam
        ? [
          try tensor(ImageEmbedding.highResName(0), [1, dim / 8, 4 * side, 4 * side]),
          try tensor(ImageEmbedding.highResName(1), [1, dim / 4, 2 * side, 2 * side]),
        ] : nil,
      width: width, height: height)
  }

  /// Throws what `predict` would for prompts that can't be meant, before any work is done.
  ///
  /// - Parameters:
  ///   - prompts: what would be asked.
  ///   - width: the picture's width in pixels.
  ///   - height: its height in pixels.
  /// - Throws: `SAM2Error`.
  public func check(_ prompts: [Prompt], width: Int, height: Int) throws(SAM2Error) {
    let side = 4 * model.configuration.imageEmbeddingSize
    for prompt in prompts { try prompt.check(width: width, height: height, maskShape: [1, side, side]) }
  }

  /// Predicts the masks of one or more objects in an embedded picture.
  ///
  /// - Parameters:
  ///   - prompts: one per object. In a batch of several all have the same number of points and corners, and
  ///     all have masks or none has.
  ///   - multimask: whether to return three alternatives per object rather than one mask.
  /// - Throws: `SAM2Error` for a prompt that can't be meant.
  public func predict(
    _ prompts: [Prompt], in embedding: ImageEmbedding, multimask: Bool, _ run: Run = Run()
  ) throws(SAM2Error) -> Prediction {
    let configuration = model.configuration
    try check(prompts, width: embedding.width, height: embedding.height)
    let input = try Prompt.batch(
      prompts, width: embedding.width, height: embedding.height, imageSize: configuration.imageSize)
    let prompted = model.promptEncoder(input, run)
    let decoded = model.maskDecoder(
      .init(
        imageEmbeddings: embedding.features, imagePositions: model.promptEncoder.densePositions(run),
        sparse: prompted.sparse, dense: prompted.dense, highResFeatures: embedding.highResFeatures,
        multimask: multimask), run)
    return Prediction(
      logits: decoded.masks, iou: decoded.iou, objectScore: decoded.objectScore, width: embedding.width,
      height: embedding.height)
  }
}

/// A picture's features, and the size that prompts refer to.
public struct ImageEmbedding: Sendable {
  /// `[1, C, S / 16, S / 16]`.
  let features: Tensor
  /// `[1, C / 8, S / 4, S / 4]` and `[1, C / 4, S / 8, S / 8]`, where the decoder uses them.
  let highResFeatures: [Tensor]?
  /// The original picture's width in pixels.
  public let width: Int
  /// The original picture's height in pixels.
  public let height: Int

  static let featuresName = "image_embed"
  static func highResName(_ level: Int) -> String { "high_res_feats.\(level)" }

  /// Everything but the size, to be stored; names are those of the official predictor.
  public var tensors: [String: Tensor] {
    var tensors = [Self.featuresName: features]
    for (level, tensor) in (highResFeatures ?? []).enumerated() { tensors[Self.highResName(level)] = tensor }
    return tensors
  }
}
