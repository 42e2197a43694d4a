import Architecture
import Masks
import Media
public import SAM2
import Tensors

/// What one object of a picture was segmented to, by prompts derived from its true mask.
public struct PictureScores: Equatable, Sendable {
  /// The picture's name.
  public let picture: String
  /// The object's number.
  public let object: Int
  /// The IoU after one click: three masks, of which the one with the highest predicted IoU counts.
  public let oneClick: Double
  /// The IoU of the single mask that the box gives.
  public let box: Double
  /// The IoU after two more clicks, each where the mask before is most wrong, with that mask's logits.
  public let threeClicks: Double
}

extension ImagePredictor {
  /// Segments every object of a picture by derived prompts and compares with the truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError.wrongSize`.
  public func evaluate(_ file: ValidationSet.PictureFile) throws -> [PictureScores] {
    let picture = try Picture.read(path: file.picture)
    let labels = try LabelMap.read(path: file.masks, of: picture.width, picture.height)
    let embedding = try embed(
      picture.imageTensor(size: model.configuration.imageSize), width: picture.width, height: picture.height)
    return try labels.objects.compactMap { object in
      let truth = labels.mask(of: object)
      guard let click = PromptRule.firstClick(truth), let box = PromptRule.box(truth) else { return nil }
      var points = [click]
      var found = try best(Prompt(points: points), multimask: true, in: embedding)
      let one = found.mask.iou(with: truth)
      for _ in 0..<2 {
        guard let next = PromptRule.nextClick(found.mask, truth) else { break }
        points.append(next)
        found = try best(Prompt(points: points, maskLogits: found.logits), multimask: false, in: embedding)
      }
      let boxed = try best(Prompt(box: box), multimask: false, in: embedding).mask
      return PictureScores(
        picture: file.name, object: object, oneClick: one, box: boxed.iou(with: truth),
        threeClicks: found.mask.iou(with: truth))
    }
  }

  /// The mask with the highest predicted IoU, and its logits `[1, S / 4, S / 4]` for the next prompt.
  private func best(
    _ prompt: Prompt, multimask: Bool, in embedding: ImageEmbedding
  ) throws(SAM2Error) -> (mask: BinaryMask, logits: Tensor) {
    let prediction = try predict([prompt], in: embedding, multimask: multimask)
    let best = prediction.best()
    return (best.mask, prediction.promptLogits(object: 0, mask: best.alternative))
  }
}
