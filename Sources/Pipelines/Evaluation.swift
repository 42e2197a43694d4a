public import Evaluation
import Masks
import Media
import Prompts
import SAM2
import Tensors

/// What `evaluate` found: every object's scores, and their means.
public struct EvaluationResult: Sendable {
  /// Objects of pictures, in the order of the pictures.
  public var pictures: [PictureScores] = []
  /// Objects of clips, in the order of the clips.
  public var clips: [ClipScores] = []

  /// No scores yet.
  public init() {}

  /// The means over objects by name, with their standard errors over pictures or over clips; what there are no objects
  /// of is left out.
  public var figures: [(name: String, mean: GroupedMean)] {
    let (pictures, clips) = (pictures.inGroups(by: \.picture), clips.inGroups(by: \.clip))
    let figures: [(String, GroupedMean?)] = [
      ("one_click", GroupedMean(pictures.map { $0.map(\.oneClick) })),
      ("box", GroupedMean(pictures.map { $0.map(\.box) })),
      ("three_clicks", GroupedMean(pictures.map { $0.map(\.threeClicks) })),
      ("j", GroupedMean(clips.map { $0.map(\.region) })),
      ("f", GroupedMean(clips.map { $0.map(\.contour) })),
      ("j_and_f", GroupedMean(clips.map { $0.map { ($0.region + $0.contour) / 2 } })),
    ]
    return figures.compactMap { name, mean in mean.map { (name, $0) } }
  }

  /// The means over objects by name; what there are no objects of is left out.
  public var means: [(name: String, value: Double)] { figures.map { ($0.name, $0.mean.value) } }
}

extension Model {
  /// Measures how good this model's masks are, on pictures and clips with true masks.
  ///
  /// - Parameters:
  ///   - watch: Is told which picture or clip comes next.
  ///   - isCancelled: Asked between pictures and clips, beside the task's own cancellation.
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError`, `CancellationError`.
  public func evaluate(
    _ set: ValidationSet, watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
  ) throws -> EvaluationResult {
    var result = EvaluationResult()
    func begin(_ name: String) throws {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step(name))
    }
    for picture in set.pictures {
      try begin("picture \(picture.name)")
      result.pictures += try evaluate(picture)
    }
    for clip in set.clips {
      try begin("clip \(clip.name)")
      result.clips += try evaluate(clip)
    }
    return result
  }

  /// Segments every object of a picture by derived prompts and compares with the truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError.wrongSize`.
  public func evaluate(_ file: ValidationSet.PictureFile) throws -> [PictureScores] {
    let input = try PictureInput(path: file.picture)
    let labels = try file.labels(width: input.width, height: input.height)
    let embedded = try EmbeddedPicture(input, model: self)
    return try labels.objects.compactMap { object in
      let truth = labels.mask(of: object)
      guard let click = PromptRule.firstClick(truth), let box = PromptRule.box(truth) else { return nil }
      var points = [click]
      var found = try embedded.best(Prompt(points: points), multimask: true)
      let one = found.mask.iou(with: truth)
      for _ in 0..<2 {
        guard let next = PromptRule.nextClick(found.mask, truth) else { break }
        points.append(next)
        found = try embedded.best(Prompt(points: points, maskLogits: found.logits), multimask: false)
      }
      let boxed = try embedded.best(Prompt(box: box), multimask: false).mask
      return PictureScores(
        picture: file.name, object: object, oneClick: one, box: boxed.iou(with: truth),
        threeClicks: found.mask.iou(with: truth))
    }
  }

  /// Tracks all objects of a clip's first frame by their true masks, and compares with the truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError.wrongSize`, `.wrongCount`.
  public func evaluate(_ clip: ValidationSet.Clip) throws -> [ClipScores] {
    let predictor = try VideoPredictor(base)
    let input = try VideoInput(path: clip.frames)
    let source = input.source
    let truths = try clip.truths(frames: source.count ?? 0, width: source.width, height: source.height)
    var session = predictor.session(input, width: source.width, height: source.height, history: .window)
    let first = try truths.labels(of: 0)
    for object in first.objects {
      try session.prompt(object: object, frame: 0, mask: first.mask(of: object).tensor)
    }
    guard !first.objects.isEmpty else { return [] }
    var scores: [Int: (regions: [Double], contours: [Double])] = [:]
    try session.propagate(from: 0) { masks in
      guard truths.judged.contains(masks.frame) else { return }
      let truth = try truths.labels(of: masks.frame)
      for (object, logits) in zip(masks.objects, masks.logits()) {
        let (predicted, expected) = (BinaryMask(logits: logits), truth.mask(of: object.id))
        scores[object.id, default: ([], [])].regions.append(predicted.iou(with: expected))
        scores[object.id, default: ([], [])].contours.append(predicted.boundaryF(with: expected))
      }
    }
    return first.objects.map { object in
      let (regions, contours) = scores[object] ?? ([], [])
      return ClipScores(clip: clip.name, object: object, regions: regions, contours: contours)
    }
  }
}

extension EmbeddedPicture {
  /// The mask with the highest predicted IoU, and its logits `[1, S / 4, S / 4]` for the next prompt.
  fileprivate func best(
    _ prompt: Prompt, multimask: Bool
  ) throws(SAM2Error) -> (mask: BinaryMask, logits: Tensor) {
    let prediction = try predict(prompt, multimask: multimask)
    let best = prediction.best()
    return (best.mask, prediction.promptLogits(object: 0, mask: best.alternative))
  }
}
