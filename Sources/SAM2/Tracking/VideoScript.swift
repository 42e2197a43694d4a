public import Prompts
public import Taps
public import Tensors

/// A place in a script: where an interrupted run goes on.
public struct ScriptPosition: Hashable, Sendable, Codable {
  /// The step, from 0.
  public var step: Int
  /// The next frame of a propagation; nil where the step hasn't begun.
  public var frame: Int?

  /// A place in a script, its beginning unless told otherwise.
  public init(step: Int = 0, frame: Int? = nil) {
    self.step = step
    self.frame = frame
  }
}

extension VideoSession {
  /// Does what a script says, step by step.
  ///
  /// - Parameters:
  ///   - script: prompts, ways through the video, and what takes them back.
  ///   - start: where to begin; elsewhere than at the beginning the session must be as it was there.
  ///   - readMask: reads a prompt's mask file as 1 on the object and 0 beside it, `[height, width]` of the video.
  ///   - visit: called with the step's position, every frame's masks that it gives, and the session as it is then.
  /// - Throws: what the steps, `readMask` and `visit` throw.
  public mutating func perform(
    _ script: [VideoStep], from start: ScriptPosition = ScriptPosition(), _ run: Run = Run(),
    readMask: (String) throws -> Tensor, _ visit: (Int, FrameMasks, VideoSession) throws -> Void
  ) throws {
    for (position, step) in script.enumerated().dropFirst(start.step) {
      switch step {
      case .prompt(let prompt):
        let masks = try self.prompt(prompt, run, readMask: readMask)
        try visit(position, masks, self)
      case .propagate(let asked):
        try settlePrompts(run)
        guard
          var way = try way(from: asked.from, frames: asked.frames, isReverse: asked.isReverse)
        else { continue }
        if position == start.step, let frame = start.frame { way.first = frame }
        try follow(way, run) { try visit(position, $0, $1) }
      case .clear(let object, let frame): try clearPrompts(object: object, frame: frame)
      case .remove(let object): try remove(object: object)
      case .reset: reset()
      }
    }
  }

  private mutating func prompt(
    _ prompt: ObjectPrompt, _ run: Run, readMask: (String) throws -> Tensor
  ) throws -> FrameMasks {
    if let mask = prompt.mask {
      guard prompt.points.isEmpty, prompt.box == nil else {
        throw SAM2Error.malformedPrompt("expected either a mask or points and a box, found both")
      }
      return try self.prompt(object: prompt.object, frame: prompt.frame, mask: readMask(mask), run)
    }
    return try self.prompt(
      object: prompt.object, frame: prompt.frame, points: prompt.points, box: prompt.box,
      keepingPoints: prompt.keepsPoints, run)
  }
}

extension FrameMasks {
  /// Writes to a recording what a step has predicted: a prompt, for the object that it is about; a propagation, for
  /// all objects.
  ///
  /// - Throws: what went wrong with the recording.
  public func record(_ step: VideoStep, at position: Int, to taps: Taps) throws {
    for object in objects {
      if case .prompt(let prompt) = step, prompt.object != object.id { continue }
      let place = PredictionPlace(step: position, frame: frame, object: object.id)
      let (height, width) = (object.lowResLogits.shape[0], object.lowResLogits.shape[1])
      try taps.record(.lowResLogits, object.lowResLogits.reshaped([1, height, width]), at: place)
      if let score = object.objectScore { try taps.record(.objectScore, Tensor([1], [score]), at: place) }
    }
  }
}
