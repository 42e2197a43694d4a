/// One thing done to a video: the steps of the official video predictor.
///
/// As JSON, an object with one key: `{"prompt": {…}}`, `{"propagate": {…}}`, `{"clear": {…}}`, `{"remove": {…}}` or
/// `{"reset": {}}`.
public enum VideoStep: Hashable, Sendable {
  /// An object was pointed at on a frame.
  case prompt(ObjectPrompt)
  /// All objects were followed.
  case propagate(Propagation)
  /// An object's prompts on a frame were taken back.
  case clear(object: Int, frame: Int)
  /// An object was forgotten.
  case remove(object: Int)
  /// All objects were forgotten.
  case reset

  /// A way through the video.
  public struct Propagation: Hashable, Sendable {
    /// The first frame; nil for the earliest that an object was pointed at.
    public var from: Int?
    /// How many frames to go beyond it; nil for all.
    public var frames: Int?
    /// Whether it goes backwards.
    public var isReverse: Bool

    /// A way through the video.
    public init(from: Int? = nil, frames: Int? = nil, isReverse: Bool = false) {
      self.from = from
      self.frames = frames
      self.isReverse = isReverse
    }
  }
}

extension VideoStep: Encodable {
  enum Key: String, CodingKey, CaseIterable { case prompt, propagate, clear, remove, reset }
  private enum Field: String, CodingKey { case object, frame, from, frames, reverse }

  /// Writes an object with one key.
  public func encode(to encoder: any Encoder) throws {
    var step = encoder.container(keyedBy: Key.self)
    switch self {
    case .prompt(let prompt): try prompt.encode(to: step.superEncoder(forKey: .prompt), as: .step)
    case .propagate(let way):
      var fields = step.nestedContainer(keyedBy: Field.self, forKey: .propagate)
      try fields.encodeIfPresent(way.from, forKey: .from)
      try fields.encodeIfPresent(way.frames, forKey: .frames)
      if way.isReverse { try fields.encode(true, forKey: .reverse) }
    case .clear(let object, let frame):
      var fields = step.nestedContainer(keyedBy: Field.self, forKey: .clear)
      try fields.encode(object, forKey: .object)
      try fields.encode(frame, forKey: .frame)
    case .remove(let object):
      var fields = step.nestedContainer(keyedBy: Field.self, forKey: .remove)
      try fields.encode(object, forKey: .object)
    case .reset: _ = step.nestedContainer(keyedBy: Field.self, forKey: .reset)
    }
  }
}

/// Which way to track what was pointed at.
public enum TrackDirection: Sendable {
  /// Onwards, from the earliest prompt to the end.
  case forward
  /// Backwards in time, from the latest prompt to the first frame.
  case reverse
  /// Forward to the end, then backward from the earliest prompt.
  case both
}

extension PromptScript {
  /// What these prompts mean for a video, step by step.
  ///
  /// `steps` where they are given. Otherwise time runs: the objects of the first prompted frame begin there and are
  /// followed to the next prompted frame, where the prompts correct the objects that were followed and add those
  /// that are new; and so on to the end.
  ///
  /// - Parameters:
  ///   - frameCount: How many frames there are, if that is known: behind the last one nothing is followed.
  ///   - direction: Which way time runs.
  public func script(frameCount: Int?, direction: TrackDirection = .forward) -> [VideoStep] {
    if let steps { return steps }
    let isReverse = direction == .reverse
    let frames = Set(objects.map(\.frame)).sorted { isReverse ? $0 > $1 : $0 < $1 }
    let step = isReverse ? -1 : 1
    var script: [VideoStep] = []
    for (place, frame) in frames.enumerated() {
      script += objects.filter { $0.frame == frame }.map { .prompt($0) }
      let start = place == 0 ? frame : frame + step
      if place + 1 < frames.count {
        script.append(
          .propagate(.init(from: start, frames: abs(frames[place + 1] - start), isReverse: isReverse)))
      } else if start >= 0, start < frameCount ?? .max {
        // Backwards from frame 0 the official code tracks nothing; one frame is what is left.
        let rest = isReverse && start == 0 ? 0 : nil
        script.append(.propagate(.init(from: start, frames: rest, isReverse: isReverse)))
      }
    }
    if direction == .both, let first = frames.first, first > 0 {
      script.append(.propagate(.init(from: first, isReverse: true)))
    }
    return script
  }
}
