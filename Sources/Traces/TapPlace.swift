/// What of a video a module was called for.
public struct TapPlace: Hashable, Sendable {
  /// The frame, from 0; nil for a picture.
  public var frame: Int?
  /// The caller's number of the object; nil for what all objects share.
  public var object: Int?

  /// A place in a video, or none.
  public init(frame: Int? = nil, object: Int? = nil) {
    self.frame = frame
    self.object = object
  }
}

/// Which calls to record.
public struct TapFilter: Sendable {
  /// Shell patterns of module paths; all when there are none.
  public var patterns: [TapPattern]
  /// Frames of a video; all when there are none.
  public var frames: Set<Int>
  /// Objects of a video; all when there are none. What objects share is not left out.
  public var objects: Set<Int>

  /// A filter that lets everything pass unless told otherwise.
  public init(_ patterns: [String] = [], frames: Set<Int> = [], objects: Set<Int> = []) {
    self.patterns = patterns.map { TapPattern($0) }
    self.frames = frames
    self.objects = objects
  }

  func passes(_ place: TapPlace) -> Bool {
    (frames.isEmpty || place.frame.map(frames.contains) ?? true)
      && (objects.isEmpty || place.object.map(objects.contains) ?? true)
  }
}

/// Which of a video's predictions one is, written `step/frame/object`.
public struct PredictionPlace: Hashable, Sendable, CustomStringConvertible {
  /// The position of the script's step.
  public var step: Int
  /// The frame.
  public var frame: Int
  /// The caller's number of the object.
  public var object: Int

  /// A prediction's place.
  public init(step: Int, frame: Int, object: Int) {
    self.step = step
    self.frame = frame
    self.object = object
  }

  /// The part of a tap's name.
  public var description: String { "\(step)/\(frame)/\(object)" }
}
