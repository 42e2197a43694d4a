// What is remembered of an object, what of it a frame attends to, and what is let go.
import Architecture
import Tensors

/// What is remembered of one object: its outputs on frames that were pointed at, and on frames it was tracked to.
struct MemoryBank: Sendable {
  /// Frames that were pointed at before the object was tracked to them.
  var conditioning = FrameOutputs()
  /// Frames that the object was tracked to.
  var tracked = TrackedOutputs()

  /// The part of a bank that a frame attends to.
  struct Selection {
    /// Memories and their places in time: 0 for conditioning frames, else `numMaskmem` − 1 for the nearest.
    var memories: [(place: Int, output: FrameOutput)] = []
    /// Pointers `[1, C]` and how many frames away they are.
    var pointers: [(distance: Int, pointer: Tensor)] = []
  }

  /// Chooses what a frame attends to, in the official order.
  /// Source: SAM2Base, `_prepare_memory_conditioned_features`.
  func selection(at moment: Moment, _ configuration: ModelConfiguration) -> Selection {
    let (near, far) = closestConditioningFrames(to: moment.frame, atMost: configuration.maxCondFramesInAttn)
    var selection = Selection()
    for frame in near { if let output = conditioning[frame] { selection.memories.append((0, output)) } }
    for place in 1..<max(1, configuration.numMaskmem) {
      let frame = Self.memoryFrame(
        configuration.numMaskmem - place, from: moment, stride: configuration.memoryTemporalStrideForEval)
      if let output = tracked[frame] ?? (far.contains(frame) ? conditioning[frame] : nil) {
        selection.memories.append((place, output))
      }
    }
    guard configuration.useObjPtrsInEncoder else { return selection }
    let sign = moment.isReverse ? -1 : 1
    for frame in near {
      let ahead = (frame - moment.frame) * sign
      if configuration.onlyObjPtrsInThePastForEval && ahead > 0 { continue }
      let distance = configuration.useSignedTposEncToObjPtrs ? -ahead : abs(ahead)
      if let output = conditioning[frame] { selection.pointers.append((distance, output.objectPointer)) }
    }
    let most = min(moment.frameCount ?? .max, configuration.maxObjPtrsInEncoder)
    for distance in 1..<max(1, most) {
      let frame = moment.frame - distance * sign
      if frame < 0 || frame >= moment.frameCount ?? .max { break }
      if let output = tracked[frame] ?? (far.contains(frame) ? conditioning[frame] : nil) {
        selection.pointers.append((distance, output.objectPointer))
      }
    }
    return selection
  }

  /// The frame of a memory so many places back: the neighbour, then every `stride`-th frame.
  static func memoryFrame(_ back: Int, from moment: Moment, stride: Int) -> Int {
    if back == 1 { return moment.isReverse ? moment.frame + 1 : moment.frame - 1 }
    if moment.isReverse {
      let nearest = -((-(moment.frame + 2)).flooredQuotient(stride)) * stride
      return nearest + (back - 2) * stride
    }
    let nearest = (moment.frame - 2).flooredQuotient(stride) * stride
    return nearest - (back - 2) * stride
  }

  /// The conditioning frames to attend to, and those left out: the closest before, the closest after, then by
  /// distance. Source: sam2/modeling/sam2_utils.py, `select_closest_cond_frames`.
  func closestConditioningFrames(to frame: Int, atMost most: Int) -> (near: [Int], far: Set<Int>) {
    let frames = conditioning.frames
    guard most != -1, frames.count > most else { return (frames, []) }
    let before = frames.filter { $0 < frame }.max()
    let after = frames.filter { $0 >= frame }.min()
    var near = [before, after].compactMap { $0 }
    let others = frames.filter { !near.contains($0) }.enumerated().sorted {
      (abs($0.element - frame), $0.offset) < (abs($1.element - frame), $1.offset)
    }
    near += others.prefix(max(0, most - near.count)).map(\.element)
    return (near, Set(frames).subtracting(near))
  }
}

extension Int {
  /// The quotient rounded down, as Python's `//`.
  fileprivate func flooredQuotient(_ divisor: Int) -> Int {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder != 0 && (remainder < 0) != (divisor < 0) ? quotient - 1 : quotient
  }
}

// What a session keeps of the frames it has left behind.

extension VideoSession {
  /// How far a frame can look back.
  private var reach: Int {
    max(
      configuration.numMaskmem * configuration.memoryTemporalStrideForEval,
      configuration.useObjPtrsInEncoder ? configuration.maxObjPtrsInEncoder : 0)
  }

  /// Lets go of outputs that neither this frame's neighbours nor those of a frame that was pointed at can see.
  mutating func forget(besides frame: Int) {
    let reach = reach
    for index in objects.indices {
      // A live source never goes back to a frame that was pointed at.
      let anchors = history == .latest ? [frame] : objects[index].bank.conditioning.frames + [frame]
      objects[index].bank.tracked.forget { kept in anchors.contains { abs($0 - kept) <= reach } }
    }
  }

  /// Throws if a frame would attend to something that is not held any more.
  func requireHistory(of object: TrackedObject, at moment: Moment) throws(SAM2Error) {
    let tracked = object.bank.tracked
    guard !tracked.forgotten.runs.isEmpty else { return }
    let sign = moment.isReverse ? -1 : 1
    let pointers = configuration.useObjPtrsInEncoder ? configuration.maxObjPtrsInEncoder : 0
    let seen =
      (1..<max(1, configuration.numMaskmem)).map {
        MemoryBank.memoryFrame($0, from: moment, stride: configuration.memoryTemporalStrideForEval)
      } + (1..<max(1, pointers)).map { moment.frame - $0 * sign }
    if let lost = seen.first(where: tracked.forgotten.contains) {
      throw .forgotten(object: object.id, frame: moment.frame, needs: lost)
    }
  }
}
