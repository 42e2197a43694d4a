// What is known of one object of a video: prompts, outputs by frame, and where it was tracked.
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

/// What the model said about one object on one frame, as far as later frames need it. Its tensors are `compacted()`: they
/// are kept for long, and would keep alive what they were a part of.
/// Source: sam2/sam2_video_predictor.py, `compact_current_out`.
struct FrameOutput: Sendable {
  /// Mask logits `[1, 1, S / 4, S / 4]`.
  var maskLogits: Tensor
  /// What later frames recognise the object by, `[1, C]`.
  var objectPointer: Tensor
  /// The logit of the object's presence, `[1, 1]`.
  var objectScore: Tensor
  /// The mask's estimated IoU with the truth; 1 for a mask that was given.
  var predictedIoU: Float
  /// The frame's features under the mask, `[1, M, h, w]` in bfloat16; nil until the memory encoder has run.
  /// Source: sam2/sam2_video_predictor.py, `maskmem_features.to(torch.bfloat16)`.
  var memory: Tensor?
}

/// One object's outputs by frame, in the order in which the frames came, which is the order of attention.
struct FrameOutputs: Sendable {
  private(set) var frames: [Int] = []
  private var outputs: [Int: FrameOutput] = [:]

  var isEmpty: Bool { frames.isEmpty }

  /// The output on a frame. A frame that is given anew keeps its place.
  subscript(frame: Int) -> FrameOutput? {
    get { outputs[frame] }
    set {
      if outputs[frame] == nil { frames.append(frame) }
      outputs[frame] = newValue
      if newValue == nil { frames.removeAll { $0 == frame } }
    }
  }

  func contains(_ frame: Int) -> Bool { outputs[frame] != nil }
}

/// One object's outputs on the frames it was tracked to, and the directions in which it was.
struct TrackedOutputs: Sendable {
  /// Those still held.
  private(set) var outputs: [Int: FrameOutput] = [:]
  /// The frames that were ever tracked to and are not held any more: runs that begin and end there.
  private(set) var forgotten = FrameRanges()
  /// Frames that were tracked forwards, and backwards.
  var forwards = FrameRanges()
  var backwards = FrameRanges()

  init() {}

  init(outputs: [Int: FrameOutput], forgotten: FrameRanges, forwards: FrameRanges, backwards: FrameRanges) {
    self.outputs = outputs
    self.forgotten = forgotten
    self.forwards = forwards
    self.backwards = backwards
  }

  subscript(frame: Int) -> FrameOutput? {
    get { outputs[frame] }
    set {
      outputs[frame] = newValue
      forgotten.remove(frame)
    }
  }

  /// The direction in which the object was tracked to a frame last; nil if it never was.
  func isReverse(_ frame: Int) -> Bool? {
    backwards.contains(frame) ? true : forwards.contains(frame) ? false : nil
  }

  /// Notes that the object was tracked to a frame.
  mutating func note(_ frame: Int, isReverse: Bool?) {
    forwards.remove(frame)
    backwards.remove(frame)
    switch isReverse {
    case true?: backwards.insert(frame)
    case false?: forwards.insert(frame)
    case nil: break
    }
  }

  /// Lets go of outputs whose frame isn't `kept`.
  mutating func forget(except kept: (Int) -> Bool) {
    for frame in outputs.keys where !kept(frame) {
      outputs[frame] = nil
      forgotten.insert(frame)
    }
  }
}

/// A set of frames, as ranges of neighbours: as small for a long video as for a short one.
struct FrameRanges: Sendable, Equatable, Codable {
  /// Ascending, apart from each other.
  private(set) var runs: [ClosedRange<Int>] = []

  init(_ runs: [ClosedRange<Int>] = []) { self.runs = runs }

  func contains(_ frame: Int) -> Bool { runs.contains { $0.contains(frame) } }

  mutating func insert(_ frame: Int) {
    guard !contains(frame) else { return }
    var run = frame...frame
    runs.removeAll { neighbour in
      guard neighbour.upperBound == frame - 1 || neighbour.lowerBound == frame + 1 else { return false }
      run = min(run.lowerBound, neighbour.lowerBound)...max(run.upperBound, neighbour.upperBound)
      return true
    }
    let place = runs.firstIndex { $0.lowerBound > run.lowerBound } ?? runs.endIndex
    runs.insert(run, at: place)
  }

  mutating func remove(_ frame: Int) {
    guard let place = runs.firstIndex(where: { $0.contains(frame) }) else { return }
    let run = runs.remove(at: place)
    if run.upperBound > frame { runs.insert(frame + 1...run.upperBound, at: place) }
    if run.lowerBound < frame { runs.insert(run.lowerBound...frame - 1, at: place) }
  }
}
