import Architecture
import Kernels
import Masks
import Tensors

// What a session does between a question and its answer.

extension VideoSession {
  /// What a frame was given.
  enum FrameInput {
    case points(PointInputs)
    case mask(Tensor)
  }

  /// Runs the model on a frame that `prompted` was just pointed at, and then takes the object for known. The memory
  /// encoder waits for `settlePrompts`.
  mutating func answer(
    _ input: FrameInput, for prompted: TrackedObject, on frame: Int, _ run: Run
  ) throws -> FrameMasks {
    let features = try features(of: frame, run)
    var object = prompted
    let direction = object.bank.tracked.isReverse(frame)
    let isFirst = direction == nil
    let isConditioning = isFirst || configuration.addAllFramesToCorrectAsCond
    let moment = Moment(frame: frame, isReverse: direction ?? false, frameCount: frames.count)
    let run = run.on(frame: frame, object: object.id)
    let found: SAMOutput
    switch input {
    case .mask(let mask) where configuration.useMaskInputAsOutputWithoutSam:
      found = model.maskAsOutput(
        features.features, mask: mask, highResFeatures: features.highResFeatures, run)
    case .mask(let mask):
      found = try segment(
        object, features, at: moment, points: nil, mask: mask, startsObject: isFirst, run)
    case .points(let points):
      let before = object.output(on: frame, isConditioning: isConditioning)?.maskLogits.clamped(-32...32)
      found = try segment(
        object, features, at: moment, points: points, mask: before, startsObject: isFirst, run)
    }
    let output = compact(found, memory: nil)
    if isConditioning {
      object.pending.conditioning[frame] = output
    } else {
      object.pending.tracked[frame] = output
    }
    if let index = objects.firstIndex(where: { $0.id == object.id }) {
      objects[index] = object
    } else {
      objects.append(object)
    }
    return masks(on: frame, isConditioning: isConditioning)
  }

  /// Encodes the outputs of prompts into memories. Source: `propagate_in_video_preflight`.
  mutating func settlePrompts(_ run: Run) throws {
    guard !objects.isEmpty else { throw SAM2Error.nothingToTrack }
    let isStarted = { (object: TrackedObject) in
      !object.bank.conditioning.isEmpty || !object.pending.conditioning.isEmpty
    }
    if let object = objects.first(where: { !isStarted($0) }) { throw SAM2Error.objectWithoutPrompts(object.id) }
    try encodePrompts(run)
    for index in objects.indices {
      let pending = objects[index].pending
      for frame in pending.tracked.frames {
        objects[index].bank.tracked[frame] = pending.tracked[frame]
        clearAround(frame, index)
      }
      for frame in pending.conditioning.frames {
        objects[index].bank.conditioning[frame] = pending.conditioning[frame]
        clearAround(frame, index)
      }
      objects[index].pending = .init()
      for frame in objects[index].bank.conditioning.frames { objects[index].bank.tracked[frame] = nil }
    }
  }

  /// Gives the outputs of prompts their memories. A recording has the official order, object by object; otherwise the
  /// objects of a frame follow each other, so that it is encoded once.
  private mutating func encodePrompts(_ run: Run) throws {
    typealias Outputs = WritableKeyPath<TrackedObject.Pending, FrameOutputs>
    var work: [(index: Int, frame: Int, outputs: Outputs)] = []
    for index in objects.indices {
      let outputs: [Outputs] = [\.tracked, \.conditioning]
      for outputs in outputs {
        work += objects[index].pending[keyPath: outputs].frames.map { (index, $0, outputs) }
      }
    }
    if run.taps == nil { work.sort { ($0.frame, $0.index) < ($1.frame, $1.index) } }
    for (index, frame, outputs) in work {
      guard let output = objects[index].pending[keyPath: outputs][frame], output.memory == nil else { continue }
      objects[index].pending[keyPath: outputs][frame] = try remembered(
        output, on: frame, of: objects[index].id, run)
    }
  }

  /// An output with its memory, encoded from the mask that the user saw.
  private mutating func remembered(
    _ output: FrameOutput, on frame: Int, of object: Int, _ run: Run
  ) throws -> FrameOutput {
    let features = try features(of: frame, run)
    var output = output
    output.memory = model.encodeMemory(
      features, mask: output.maskLogits.resized(to: model.imageExtent, by: .bilinear),
      objectScore: output.objectScore, isPrompted: true, run.on(frame: frame, object: object))
    return output
  }

  /// The frames of a propagation; nil for none. Source: `propagate_in_video`.
  func way(from start: Int?, frames most: Int?, isReverse: Bool) throws(SAM2Error) -> Way? {
    let first = start ?? objects.flatMap(\.bank.conditioning.frames).min() ?? 0
    try check(first)
    let end = frames.count.map { $0 - 1 } ?? .max
    let most = most.map { max(-1, $0) }
    guard isReverse else { return Way(first: first, last: first + min(end - first, most ?? .max)) }
    // As the official code has it, nothing is tracked backwards from frame 0, not even that frame. Differs: asked for
    // that frame alone, it is tracked.
    if first == 0 && most != 0 { return nil }
    return Way(first: first, last: first - min(first, most ?? .max), isReverse: true)
  }

  /// Tracks all objects along a way. `visit` sees every frame's masks and the session behind it.
  mutating func follow(_ way: Way, _ run: Run, _ visit: (FrameMasks, VideoSession) throws -> Void) throws {
    var frame = way.first
    while way.isReverse ? frame >= way.last : frame <= way.last {
      let masks: FrameMasks
      do { masks = try track(to: frame, isReverse: way.isReverse, run) } catch is EndOfVideo { return }
      try visit(masks, self)
      frame += way.isReverse ? -1 : 1
    }
  }

  /// Frames in the order in which they are tracked.
  struct Way {
    var first: Int
    let last: Int
    var isReverse = false
  }

  /// Every object's mask on the next frame of a propagation. All objects go there or, where that throws, none.
  mutating func track(to frame: Int, isReverse: Bool, _ run: Run) throws -> FrameMasks {
    var found: [FrameOutput?] = []
    for object in objects {
      let isGiven = object.bank.conditioning.contains(frame)
      found.append(isGiven ? nil : try follow(object, to: frame, isReverse: isReverse, run))
    }
    var shown: [FrameMasks.Object] = []
    for (index, output) in found.enumerated() {
      if let output { objects[index].bank.tracked[frame] = output } else { clearAround(frame, index) }
      objects[index].bank.tracked.note(frame, isReverse: isReverse)
      if let output = output ?? objects[index].bank.conditioning[frame] {
        shown.append(show(objects[index].id, output))
      }
    }
    if history != .everything { forget(besides: frame) }
    return FrameMasks(
      frame: frame, objects: shown, width: width, height: height, areSeparated: configuration.nonOverlapMasks)
  }

  /// An object on a frame that nothing was said about, and its memory of it.
  private mutating func follow(
    _ object: TrackedObject, to frame: Int, isReverse: Bool, _ run: Run
  ) throws -> FrameOutput {
    let features = try features(of: frame, run)
    let moment = Moment(frame: frame, isReverse: isReverse, frameCount: frames.count)
    let run = run.on(frame: frame, object: object.id)
    let found = try segment(object, features, at: moment, points: nil, mask: nil, startsObject: false, run)
    guard configuration.numMaskmem > 0 else { return compact(found, memory: nil) }
    let memory = model.encodeMemory(
      features, mask: found.highResMasks, objectScore: found.objectScore, isPrompted: false, run)
    return compact(found, memory: memory)
  }

  /// One object on one frame, by memory and prompts. Source: SAM2Base, `_track_step`.
  private func segment(
    _ object: TrackedObject, _ features: FrameFeatures, at moment: Moment, points: PointInputs?, mask: Tensor?,
    startsObject: Bool, _ run: Run
  ) throws(SAM2Error) -> SAMOutput {
    if !startsObject {
      guard !object.bank.conditioning.isEmpty else { throw .objectWithoutPrompts(object.id) }
      try requireHistory(of: object, at: moment)
    }
    let conditioned = model.conditioned(features, at: moment, on: startsObject ? nil : object.bank, run)
    let count = points?.count ?? 0
    let isAmbiguous =
      configuration.multimaskOutputInSam && (startsObject || configuration.multimaskOutputForTracking)
      && configuration.multimaskMinPtNum <= count && count <= configuration.multimaskMaxPtNum
    return model.samHeads(
      conditioned, points: points, mask: mask, highResFeatures: features.highResFeatures,
      multimask: isAmbiguous, run)
  }

  private func compact(_ found: SAMOutput, memory: Tensor?) -> FrameOutput {
    let area = configuration.fillHoleArea
    let logits = area > 0 ? found.lowResMasks.fillingHoles(area: area) : found.lowResMasks
    return FrameOutput(
      maskLogits: logits.compacted(), objectPointer: found.objectPointer.compacted(),
      objectScore: found.objectScore.compacted(), predictedIoU: found.predictedIoU, memory: memory)
  }

  /// Source: SAM2VideoPredictor, `_clear_non_cond_mem_around_input`, which leaves out by a misspelling to be
  /// callable for one object.
  private mutating func clearAround(_ frame: Int, _ index: Int) {
    guard configuration.clearNonCondMemAroundInput else { return }
    let reach = configuration.memoryTemporalStrideForEval * configuration.numMaskmem
    for near in frame - reach...frame + reach { objects[index].bank.tracked[near] = nil }
  }
}
