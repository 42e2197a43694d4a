import Taps
import Architecture
import Foundation
import Kernels
import Media
import SAM2
import Tensors
import Traces

/// One picture's objects segmented: what was asked for and every mask.
struct Segmentation {
  /// One of an object's masks.
  struct Mask {
    let object: Int
    let alternative: Int
    let mask: BinaryMask
    let predictedIoU: Float
    let stabilityScore: Float
    let objectScore: Float
  }

  let picture: Picture
  let prompts: TracePrompts
  let masks: [Mask]
  /// Stacked over objects, as a trace has them.
  let lowResLogits: Tensor
  let iou: Tensor
  let objectScore: Tensor

  /// By how much logits are raised and lowered to see whether a mask holds.
  /// Source: sam2/automatic_mask_generator.py, `stability_score_offset`.
  private static let stabilityOffset: Float = 1

  /// Embeds the picture once and predicts every object, one after the other.
  ///
  /// `folder` is what mask paths in the prompts are relative to.
  init(_ picture: Picture, _ prompts: TracePrompts, folder: URL, model: SAM2Base, _ run: Run) throws {
    let size = model.configuration.imageSize
    let predictor = ImagePredictor(model)
    let ready = try prompts.objects.map {
      try $0.prompt(
        width: picture.width, height: picture.height, folder: folder,
        maskSide: model.configuration.imageEmbeddingSize * 4)
    }
    try predictor.check(ready, width: picture.width, height: picture.height)
    Console.progress("embedding \(picture.width) × \(picture.height) pixels")
    let embedding = try predictor.embed(
      picture.imageTensor(size: size), width: picture.width, height: picture.height, run)
    var predictions: [Prediction] = []
    var masks: [Mask] = []
    for (object, prompt) in zip(prompts.objects, ready) {
      Console.progress("predicting object \(object.id)")
      let prediction = try predictor.predict([prompt], in: embedding, multimask: prompts.multimask, run)
      for alternative in 0..<prediction.iou.shape[1] {
        let logits = prediction.maskLogits(object: 0, mask: alternative)
        masks.append(
          Mask(
            object: object.id, alternative: alternative, mask: BinaryMask(logits: logits),
            predictedIoU: prediction.iou.elements[alternative],
            stabilityScore: logits.stabilityScore(offset: Self.stabilityOffset),
            objectScore: prediction.objectScore.elements[0]))
      }
      predictions.append(prediction)
    }
    self.picture = picture
    self.prompts = prompts
    self.masks = masks
    lowResLogits = Tensor.concatenated(predictions.map(\.lowResLogits), axis: 0)
    iou = Tensor.concatenated(predictions.map(\.iou), axis: 0)
    objectScore = Tensor.concatenated(predictions.map(\.objectScore), axis: 0)
  }

  /// Adds the predictions to a recording and ends it.
  func record(to recording: Recording) throws {
    try recording.taps.record(.lowResLogits, lowResLogits)
    try recording.taps.record(.iou, iou)
    try recording.taps.record(.objectScore, objectScore)
    try recording.finish()
  }

  /// Throws if a prediction is not a number: its mask would say nothing, and JSON has no word for it.
  func requireNumbers() throws {
    for (name, tensor) in [("mask", lowResLogits), ("IoU", iou), ("object score", objectScore)]
    where tensor.withElements({ $0.contains(where: \.isNaN) }) {
      throw BrokenPrediction(name: name)
    }
  }

  /// The picture with each object's best mask and its prompts drawn.
  func overlay() throws -> Picture {
    let objects = prompts.objects.map { object in
      let best = masks.filter { $0.object == object.id }.max { $0.predictedIoU < $1.predictedIoU }
      return OverlayObject(
        mask: best?.mask,
        points: zip(object.points ?? [], object.labels ?? []).map {
          OverlayPoint(x: Float($0[0]), y: Float($0[1]), isPositive: $1 == 1)
        },
        box: object.box.map {
          OverlayBox(left: Float($0[0]), top: Float($0[1]), right: Float($0[2]), bottom: Float($0[3]))
        })
    }
    return try picture.overlaid(with: objects)
  }
}

/// A prediction that holds NaN, most likely because a weight does.
struct BrokenPrediction: Error, CustomStringConvertible {
  let name: String

  var description: String {
    "expected numbers as the predicted \(name), found NaN: `sam2kit inspect` shows whether the weights hold any, "
      + "--trace where the first one arises"
  }
}

extension TracePrompts.Object {
  /// The prompt, its mask read and brought to `maskSide` × `maskSide` logits.
  func prompt(width: Int, height: Int, folder: URL, maskSide: Int) throws -> Prompt {
    let mask = try mask.map {
      try Self.maskLogits(
        URL(fileURLWithPath: $0, relativeTo: folder).path, width: width, height: height, side: maskSide)
    }
    return try Prompt(points: points ?? [], labels: labels ?? [], box: box, maskLogits: mask)
  }

  /// A mask as the logits that the prompt encoder takes, `[1, side, side]`: 10 inside, −10 outside, as SAM 2
  /// itself turns a mask into logits (sam2/modeling/sam2_base.py, `_use_mask_as_output`).
  private static func maskLogits(_ path: String, width: Int, height: Int, side: Int) throws -> Tensor {
    let mask = try BinaryMask.read(path: path)
    guard mask.width == width, mask.height == height else {
      throw PromptError(
        place: path,
        problem: "expected a mask of the picture's size, \(width) × \(height), "
          + "found \(mask.width) × \(mask.height)")
    }
    let inside = mask.tensor.reshaped([1, mask.height, mask.width])
    return inside.resizedBilinearAntialiased(height: side, width: side) * 20 + -10
  }
}
