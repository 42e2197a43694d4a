/// One thing done to a video: the steps of the official video predictor.
///
/// As JSON, an object with one key: `{"prompt": {…}}`, `{"propagate": {…}}`, `{"clear": {…}}`, `{"remove": {…}}` or
/// `{"reset": {}}`.
public enum VideoStep: Equatable, Sendable {
  /// An object was pointed at on a frame.
  case prompt(Prompt)
  /// All objects were followed.
  case propagate(Propagation)
  /// An object's prompts on a frame were taken back.
  case clear(object: Int, frame: Int)
  /// An object was forgotten.
  case remove(object: Int)
  /// All objects were forgotten.
  case reset

  /// Where an object is on a frame; what was not given is nil.
  public struct Prompt: Equatable, Sendable, Codable {
    /// The caller's number for the object.
    public var object: Int
    /// The frame, from 0.
    public var frame: Int
    /// Points as [x, y].
    public var points: [[Double]]?
    /// For each point: 1 on the object, 0 beside it.
    public var labels: [Int]?
    /// A box as [x0, y0, x1, y1].
    public var box: [Double]?
    /// The file of a mask.
    public var mask: String?
    /// Whether earlier points on this frame stay.
    public var keep: Bool?

    /// A prompt.
    public init(
      object: Int, frame: Int, points: [[Double]]? = nil, labels: [Int]? = nil, box: [Double]? = nil,
      mask: String? = nil, keep: Bool? = nil
    ) {
      self.object = object
      self.frame = frame
      self.points = points
      self.labels = labels
      self.box = box
      self.mask = mask
      self.keep = keep
    }
  }

  /// A way through the video.
  public struct Propagation: Equatable, Sendable, Codable {
    /// The first frame; nil for the earliest that an object was pointed at.
    public var from: Int?
    /// How many frames to go beyond it; nil for all.
    public var frames: Int?
    /// Whether it goes backwards.
    public var reverse: Bool?

    /// A way through the video.
    public init(from: Int? = nil, frames: Int? = nil, reverse: Bool? = nil) {
      self.from = from
      self.frames = frames
      self.reverse = reverse
    }
  }
}

extension VideoStep: Codable {
  private enum Key: String, CodingKey, CaseIterable { case prompt, propagate, clear, remove, reset }
  private struct Place: Codable {
    let object: Int
    let frame: Int
  }
  private struct Object: Codable { let object: Int }
  private struct Nothing: Codable {}

  /// Reads an object with one of the keys.
  public init(from decoder: any Decoder) throws {
    let step = try decoder.container(keyedBy: Key.self)
    guard let key = step.allKeys.first, step.allKeys.count == 1 else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "a step should be one of \(Key.allCases.map(\.rawValue).joined(separator: ", ")), "
            + "found \(step.allKeys.isEmpty ? "none" : step.allKeys.map(\.rawValue).sorted().joined(separator: ", "))"
        ))
    }
    switch key {
    case .prompt: self = .prompt(try step.decode(Prompt.self, forKey: key))
    case .propagate: self = .propagate(try step.decode(Propagation.self, forKey: key))
    case .clear:
      let place = try step.decode(Place.self, forKey: key)
      self = .clear(object: place.object, frame: place.frame)
    case .remove: self = .remove(object: try step.decode(Object.self, forKey: key).object)
    case .reset:
      _ = try step.decode(Nothing.self, forKey: key)
      self = .reset
    }
  }

  /// Writes an object with one key.
  public func encode(to encoder: any Encoder) throws {
    var step = encoder.container(keyedBy: Key.self)
    switch self {
    case .prompt(let prompt): try step.encode(prompt, forKey: .prompt)
    case .propagate(let propagation): try step.encode(propagation, forKey: .propagate)
    case .clear(let object, let frame): try step.encode(Place(object: object, frame: frame), forKey: .clear)
    case .remove(let object): try step.encode(Object(object: object), forKey: .remove)
    case .reset: try step.encode(Nothing(), forKey: .reset)
    }
  }
}

extension TracePrompts {
  /// What these prompts mean for a video, step by step.
  ///
  /// `steps` where they are given. Otherwise time runs: the objects of the first prompted frame begin there and are
  /// followed to the next prompted frame, where the prompts correct the objects that were followed and add those
  /// that are new; and so on to the end.
  ///
  /// - Parameters:
  ///   - frameCount: How many frames there are, if that is known: behind the last one nothing is followed.
  ///   - isReverse: Whether time runs backwards, from the latest prompted frame to the first frame.
  public func script(frameCount: Int?, isReverse: Bool = false) -> [VideoStep] {
    if let steps { return steps }
    let frames = Set(objects.map { $0.frame ?? 0 }).sorted { isReverse ? $0 > $1 : $0 < $1 }
    let reverse = isReverse ? true : nil
    let step = isReverse ? -1 : 1
    var script: [VideoStep] = []
    for (place, frame) in frames.enumerated() {
      for object in objects where object.frame ?? 0 == frame {
        script.append(
          .prompt(
            .init(
              object: object.id, frame: frame, points: object.points, labels: object.labels, box: object.box,
              mask: object.mask)))
      }
      let start = place == 0 ? frame : frame + step
      if place + 1 < frames.count {
        script.append(
          .propagate(.init(from: start, frames: abs(frames[place + 1] - start), reverse: reverse)))
      } else if start >= 0, start < frameCount ?? .max {
        // Backwards from frame 0 the official code tracks nothing; one frame is what is left.
        let rest = isReverse && start == 0 ? 0 : nil
        script.append(.propagate(.init(from: start, frames: rest, reverse: reverse)))
      }
    }
    return script
  }
}
