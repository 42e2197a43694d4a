import Checkpoints
public import Evaluation
import Files
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
  /// Pictures and clips of which nothing can be said, a sentence each.
  public var leftOut: [String] = []

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

  /// Throws unless there is a score.
  ///
  /// - Parameter folder: What was evaluated, for the error.
  /// - Throws: `EvaluationError.nothingJudged`.
  public func requireScores(of folder: String) throws(EvaluationError) {
    guard pictures.isEmpty, clips.isEmpty else { return }
    throw .nothingJudged(folder: folder, reason: leftOut.first ?? "its masks are empty")
  }

  /// The means over objects by name; what there are no objects of is left out.
  public var means: [(name: String, value: Double)] { figures.map { ($0.name, $0.mean.value) } }
}

extension Model {
  /// Measures how good this model's masks are, on pictures and clips with true masks.
  ///
  /// - Parameters:
  ///   - known: The scores of the pictures, where they needn't be found again.
  ///   - watch: Is told which picture or clip comes next.
  ///   - isCancelled: Asked between pictures and clips, beside the task's own cancellation.
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError`, `BrokenPrediction`, `CancellationError`.
  public func evaluate(
    _ set: ValidationSet, knowing known: [PictureScores]? = nil, watch: PipelineWatcher = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws -> EvaluationResult {
    var result = EvaluationResult()
    result.pictures = known ?? []
    func begin(_ name: String) throws {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step(name))
    }
    if let note = try brokenWeights() { watch(.note(note)) }
    var said: Set<String> = []
    for picture in known == nil ? set.pictures : [] {
      try begin("picture \(picture.name)")
      let input = try PictureInput(path: picture.picture)
      // What reading decides is said once a kind.
      for note in input.notes where said.insert(note).inserted { watch(.note("\(input.path): \(note)")) }
      let scores = try evaluate(picture, input)
      if scores.isEmpty {
        let words = "picture \(picture.name): left out, no object is in its masks"
        result.leftOut.append(words)
        watch(.note(words))
      }
      result.pictures += scores
    }
    for clip in set.clips {
      try begin("clip \(clip.name)")
      try result.add(clip, watch) { try evaluate(clip) }
    }
    return result
  }

  /// Says which weights are no numbers; those that nothing is multiplied by leave the figures as they are.
  private func brokenWeights() throws -> String? {
    let found = try zip(checkpoint.entries, checkpoint.statistics()).filter { _, statistics in
      (statistics?.nanCount ?? 0) + (statistics?.infinityCount ?? 0) > 0
    }
    guard let first = found.first?.0.name else { return nil }
    let others = found.count > 1 ? " and \(found.count - 1) other tensors hold" : " holds"
    return "\(checkpoint.path): expected weights to be numbers, but \(first)\(others) NaN or infinities"
  }

  /// Segments every object of a picture by derived prompts and compares with the truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError.wrongSize`, `BrokenPrediction`.
  public func evaluate(_ file: ValidationSet.PictureFile) throws -> [PictureScores] {
    try evaluate(file, PictureInput(path: file.picture))
  }

  private func evaluate(
    _ file: ValidationSet.PictureFile, _ input: PictureInput
  ) throws -> [PictureScores] {
    let labels = try file.labels(width: input.width, height: input.height)
    let embedded = try EmbeddedPicture(input, model: self)
    return try labels.objects.compactMap { object in
      let truth = labels.mask(of: object)
      let name = "object \(object) of picture \(file.name)"
      guard let click = PromptRule.firstClick(truth), let box = PromptRule.box(truth) else { return nil }
      var points = [click]
      var found = try embedded.best(Prompt(points: points), multimask: true, of: name)
      let one = found.mask.iou(with: truth)
      for _ in 0..<2 {
        guard let next = PromptRule.nextClick(found.mask, truth) else { break }
        points.append(next)
        found = try embedded.best(
          Prompt(points: points, maskLogits: found.logits), multimask: false, of: name)
      }
      let boxed = try embedded.best(Prompt(box: box), multimask: false, of: name).mask
      return PictureScores(
        picture: file.name, object: object, oneClick: one, box: boxed.iou(with: truth),
        threeClicks: found.mask.iou(with: truth))
    }
  }
}

extension EmbeddedPicture {
  /// The mask with the highest predicted IoU, and its logits `[1, S / 4, S / 4]` for the next prompt.
  fileprivate func best(
    _ prompt: Prompt, multimask: Bool, of name: String
  ) throws -> (mask: BinaryMask, logits: Tensor) {
    let prediction = try predict(prompt, multimask: multimask)
    try prediction.requireNumbers(of: name)
    let best = prediction.best()
    return (best.mask, prediction.promptLogits(object: 0, mask: best.alternative))
  }
}

extension EvaluationResult {
  /// Adds a clip's scores, or notes why it has none.
  mutating func add(
    _ clip: ValidationSet.Clip, _ watch: PipelineWatcher, _ evaluate: () throws -> [ClipScores]
  ) throws {
    do { clips += try evaluate() } catch let reason as ClipLeftOut {
      leftOut.append("\(reason)")
      watch(.note("\(reason)"))
    }
  }

  /// Judges masks that somebody else made: `<folder>/<clip>/<frame>.png`.
  ///
  /// - Parameter watch: Is told which clip comes next.
  /// - Throws: `MediaError`, `EvaluationError`, `FileError`.
  public init(of set: ValidationSet, masksIn folder: String, watch: PipelineWatcher = { _ in }) throws {
    guard FilePath.isFolder(folder) else { throw EvaluationError.noFolder(folder) }
    for clip in set.clips {
      watch(.step("clip \(clip.name)"))
      try add(clip, watch) { try clip.evaluate(masksIn: folder) }
    }
  }
}
