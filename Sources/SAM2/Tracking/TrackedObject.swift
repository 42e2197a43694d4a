import Tensors

/// Everything that is known of one object of a video.
/// Source: sam2/sam2_video_predictor.py, the `…_per_obj` dictionaries of `init_state`.
struct TrackedObject: Sendable {
  /// The user's number for it.
  let id: Int
  /// What was pointed at, by frame.
  var points: [Int: PointInputs] = [:]
  /// The frames that were given a mask.
  var maskedFrames: Set<Int> = []
  var bank = MemoryBank()
  /// Outputs of prompts since the last propagation, not yet encoded into memories.
  var pending = Pending()

  struct Pending: Sendable {
    /// On frames that start or, if so configured, correct the object.
    var conditioning = FrameOutputs()
    /// On frames that the object had been tracked to.
    var tracked = FrameOutputs()
  }

  init(id: Int) { self.id = id }

  /// The newest output on a frame. Source: SAM2VideoPredictor, `add_new_points_or_box`.
  func output(on frame: Int, isConditioning: Bool) -> FrameOutput? {
    (isConditioning ? pending.conditioning : pending.tracked)[frame] ?? bank.conditioning[frame]
      ?? bank.tracked[frame]
  }

  /// Takes back what was pointed at on a frame. Its output stays, as if the object had been tracked there.
  /// Source: SAM2VideoPredictor, `clear_all_prompts_in_frame`.
  mutating func clearPrompts(on frame: Int) {
    points[frame] = nil
    maskedFrames.remove(frame)
    pending.conditioning[frame] = nil
    pending.tracked[frame] = nil
    guard let output = bank.conditioning[frame] else { return }
    bank.conditioning[frame] = nil
    bank.tracked[frame] = output
    bank.tracked.note(frame, isReverse: nil)
  }
}
