import Checkpoints
import Files
import Foundation
import Kernels
public import Masks
public import Media
public import Prompts
import SAM2
import Taps
public import Tensors

/// What to segment, and how.
public struct SegmentRequest: Sendable {
  /// What is asked for.
  public var prompts: PromptScript
  /// What the paths of the prompts' masks are relative to.
  public var maskFolder: String
  /// Where the prompts come from, for errors; nil where that needs no saying.
  public var promptsPlace: String?
  /// What is done to masks before they are handed out.
  public var cleanUp = CleanUp()
  /// Whether objects share no pixel: of several the one with the highest estimated IoU has it.
  public var separatesObjects = false
  /// What to record.
  public var recording = RecordingRequest()

  /// Objects to segment.
  ///
  /// - Parameter maskFolder: What the paths of the prompts' masks are relative to; nil for the working folder.
  public init(_ prompts: PromptScript, maskFolder: String? = nil) {
    self.prompts = prompts
    self.maskFolder = maskFolder ?? FilePath.currentFolder
  }
}

/// One of an object's masks.
public struct PredictedMask: Sendable {
  /// The object's number.
  public let object: Int
  /// Which of its masks, from 0.
  public let alternative: Int
  /// Its pixels as run lengths, of the picture's size: pixels of hundreds of objects would take gigabytes.
  public fileprivate(set) var runs: RunLengthEncoding
  /// Its pixels, of the picture's size.
  public var mask: BinaryMask { BinaryMask(runs) }
  /// Its estimated IoU with the truth.
  public let predictedIoU: Float
  /// The IoU of the masks above and below a slightly higher and lower threshold.
  public let stabilityScore: Float
  /// The logit of the object's presence.
  public let objectScore: Float
}

/// One picture's objects segmented: what was asked for and every mask.
public struct Segmentation: Sendable {
  /// What was segmented.
  public let picture: PictureInput
  /// What was asked for.
  public let prompts: PromptScript
  /// Every object's masks, in the order of the prompts.
  public let masks: [PredictedMask]
  /// The model's file.
  public let model: String
  /// The logits of every object's best mask, `[objects, S / 4, S / 4]`, which a later prompt takes as its mask.
  public let lowResLogits: Tensor

  /// An object's mask with the highest estimated IoU.
  public func best(of object: Int) -> PredictedMask? {
    masks.best[object]
  }

  /// The picture with each object's best mask and its prompts drawn; nil where its pixels aren't known.
  ///
  /// - Throws: `MediaError`.
  public func overlay() throws -> Picture? {
    let best = masks.best
    return try picture.picture?.overlaid(
      with: prompts.objects.map {
        OverlayObject(runs: best[$0.object]?.runs, points: $0.points, box: $0.box)
      })
  }
}

extension Model {
  /// Segments a picture: embeds it once and predicts every object, one after the other.
  ///
  /// - Parameters:
  ///   - picture: What to segment.
  ///   - request: What is asked for; see `SegmentRequest`.
  ///   - watch: Is told what goes on.
  ///   - isCancelled: Asked between objects, beside the task's own cancellation.
  /// - Throws: `EmbeddingError` for a stored embedding of another model, `SAM2Error` and `PromptError` for prompts that can't be meant, `MediaError` for their masks,
  ///   `BrokenPrediction`, `CancellationError`, what writing a recording throws.
  public func segment(
    _ picture: PictureInput, _ request: SegmentRequest, watch: PipelineWatcher = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws -> Segmentation {
    let ready: ReadyPrompts
    do {
      ready = try ReadyPrompts(request.prompts, folder: request.maskFolder, for: picture, model: self)
    } catch let error as SAM2Error {
      throw request.promptsPlace.map { PromptError(place: $0, problem: "\(error)") } ?? error
    }
    for note in ready.notes { watch(.note(note)) }
    let recording = try TapRecorder(
      request.recording, of: base.modules,
      provenance(
        of: picture.traceInput, prompts: ready.script,
        RunDigests(checkpoint: CheckpointIdentity(of: checkpoint), input: picture.digest),
        filter: request.recording.filter))
    let predictions = try ready.predict(
      picture, model: self, Run(taps: recording?.taps), watch, isCancelled: isCancelled)
    if let taps = recording?.taps { try predictions.record(to: taps) }
    try recording?.finish(watch)
    return try segmentation(
      of: picture, ready.script, predictions, request.cleanUp, separatesObjects: request.separatesObjects)
  }

  /// A picture's objects, of which none may be NaN.
  ///
  /// - Throws: `BrokenPrediction`.
  func segmentation(
    of picture: PictureInput, _ prompts: PromptScript, _ predictions: [Prediction],
    _ cleanUp: CleanUp = CleanUp(), separatesObjects: Bool = false
  ) throws(BrokenPrediction) -> Segmentation {
    for (prediction, object) in zip(predictions, prompts.objects) {
      try prediction.requireNumbers(of: "object \(object.object)")
    }
    var masks = zip(prompts.objects, predictions).flatMap { object, prediction in
      prediction.masks(of: object.object, cleanUp)
    }
    if separatesObjects { masks.separateObjects() }
    return Segmentation(
      picture: picture, prompts: prompts, masks: masks, model: checkpoint.path,
      lowResLogits: .concatenated(predictions.map(\.bestLogits), axis: 0))
  }

  /// Segments a picture's objects; see `segment(_:_:watch:isCancelled:)`.
  ///
  /// - Parameters:
  ///   - picture: Its file; `Picture.read` says of which kinds.
  ///   - objects: Where the objects are.
  ///   - multimask: Whether each object gets three masks to choose from.
  public func segment(
    picture: String, objects: [ObjectPrompt], multimask: Bool = false
  ) throws -> Segmentation {
    try segment(
      PictureInput(path: picture), SegmentRequest(PromptScript(multimask: multimask, objects: objects)))
  }
}

extension Segmentation {
  /// Writes the logits of every object's best mask as a `.npy` file, which a prompt may name as its mask.
  ///
  /// - Throws: `FileError`.
  public func writeLogits(to path: String) throws { try NumPyLogits.write(lowResLogits, to: path) }
}

extension Prediction {
  /// The logits of the mask with the highest predicted IoU of the one object that this is of, `[1, S / 4, S / 4]`.
  fileprivate var bestLogits: Tensor {
    let scores = iou.elements
    let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    return promptLogits(object: 0, mask: best)
  }

  /// By how much logits are raised and lowered to see whether a mask holds.
  /// Source: sam2/automatic_mask_generator.py, `stability_score_offset`.
  private static var stabilityOffset: Float { 1 }

  /// The masks of the one object that this is of.
  fileprivate func masks(of object: Int, _ cleanUp: CleanUp) -> [PredictedMask] {
    (0..<iou.shape[1]).map { alternative in
      let logits = maskLogits(object: 0, mask: alternative)
      return PredictedMask(
        object: object, alternative: alternative,
        runs: RunLengthEncoding(cleanUp(BinaryMask(logits: logits))),
        predictedIoU: iou.elements[alternative],
        stabilityScore: logits.stabilityScore(offset: Self.stabilityOffset),
        objectScore: objectScore.elements[0])
    }
  }

  /// Throws if anything is not a number: its mask would say nothing, and JSON has no word for it.
  func requireNumbers(of object: String) throws(BrokenPrediction) {
    for (name, tensor) in [("mask", lowResLogits), ("IoU", iou), ("object score", objectScore)]
    where tensor.withElements({ $0.contains(where: \.isNaN) }) {
      throw BrokenPrediction(name: "\(name) of \(object)")
    }
  }
}

extension [PredictedMask] {
  /// Every object's mask with the highest estimated IoU, of several the first.
  var best: [Int: PredictedMask] {
    Dictionary(map { ($0.object, $0) }) { $1.predictedIoU > $0.predictedIoU ? $1 : $0 }
  }

  /// Takes from every object the pixels of the best masks of those whose best mask is better than its own.
  fileprivate mutating func separateObjects() {
    let best = self.best
    let order = best.values.sorted { one, other in
      one.predictedIoU == other.predictedIoU
        ? one.object < other.object : one.predictedIoU > other.predictedIoU
    }
    guard let first = order.first else { return }
    var taken = [UInt8](repeating: 0, count: first.runs.width * first.runs.height)
    for object in order.map(\.object) {
      for index in indices where self[index].object == object {
        let mask = self[index].mask
        self[index].runs = RunLengthEncoding(
          BinaryMask(
            width: mask.width, height: mask.height, pixels: zip(mask.pixels, taken).map { $0 & (1 - $1) }))
      }
      if let mask = best[object]?.mask { taken = zip(taken, mask.pixels).map { $0 | $1 } }
    }
  }
}

extension [Prediction] {
  /// Adds the predictions of a picture's objects to a recording, stacked.
  func record(to taps: Taps) throws {
    guard !isEmpty else { return }
    try taps.record(.lowResLogits, .concatenated(map(\.lowResLogits), axis: 0))
    try taps.record(.iou, .concatenated(map(\.iou), axis: 0))
    try taps.record(.objectScore, .concatenated(map(\.objectScore), axis: 0))
  }
}
