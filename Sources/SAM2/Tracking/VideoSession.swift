import Architecture
import Kernels
public import Prompts
public import Tensors

/// One video being tracked: what was pointed at, and what is remembered of every object. A value: a copy goes its own way.
/// Source: sam2/sam2_video_predictor.py, SAM2VideoPredictor with its `inference_state`.
public struct VideoSession: Sendable {
  /// The video's width in pixels.
  public let width: Int
  /// The video's height in pixels.
  public let height: Int
  let model: SAM2Base
  var frames: any VideoFrames
  let history: VideoHistory
  /// In the order in which they were added.
  var objects: [TrackedObject] = []
  /// The frame whose features were computed last.
  var latest: (frame: Int, features: FrameFeatures)?
  /// Frames whose encoding was recorded, which is recorded once.
  var recordedFrames = FrameRanges()

  init(model: SAM2Base, frames: any VideoFrames, width: Int, height: Int, history: VideoHistory) {
    self.model = model
    self.frames = frames
    self.width = width
    self.height = height
    self.history = history
  }

  var configuration: ModelConfiguration { model.configuration }

  /// How many frames the video has, if that is known.
  public var frameCount: Int? { frames.count }

  /// The objects' numbers, in the order in which they were added.
  public var objectIDs: [Int] { objects.map(\.id) }

  /// Points at an object on a frame: clicks, a box, or both. Source: `add_new_points_or_box`.
  ///
  /// On a frame that the object was not tracked to yet, the prompt starts the object there, without any memory;
  /// on one that it was, the prompt corrects what was found, knowing the object's past and the mask before.
  ///
  /// - Parameters:
  ///   - object: the user's number; one that is new adds an object, also after tracking began.
  ///   - frame: the frame's number, from 0.
  ///   - points: clicks in pixels of the video.
  ///   - box: a rectangle in pixels of the video, which comes before the clicks.
  ///   - keepingPoints: whether earlier clicks on this frame stay, so that these are added to them.
  /// - Returns: all objects' masks on this frame.
  /// - Throws: `SAM2Error` for a prompt that can't be meant, what the frames throw.
  @discardableResult
  public mutating func prompt(
    object: Int, frame: Int, points: [Click] = [], box: Box? = nil, keepingPoints: Bool = false,
    _ run: Run = Run()
  ) throws -> FrameMasks {
    let prompt = Prompt(points: points, box: box)
    try check(frame)
    try prompt.check(width: width, height: height)
    if keepingPoints && box != nil { throw SAM2Error.boxAfterPoints(object: object, frame: frame) }
    var inputs = prompt.inputs(width: width, height: height, imageSize: configuration.imageSize)
    var prompted = existingOrNew(object)
    if keepingPoints, let before = prompted.points[frame] { inputs = before.adding(inputs) }
    prompted.points[frame] = inputs
    prompted.maskedFrames.remove(frame)
    return try answer(.points(inputs), for: prompted, on: frame, run)
  }

  /// Says what an object looks like on a frame. Source: `add_new_mask`.
  ///
  /// - Parameters:
  ///   - object: the user's number; one that is new adds an object, also after tracking began.
  ///   - frame: the frame's number, from 0.
  ///   - mask: 1 on the object and 0 beside it, `[height, width]` of the video.
  /// - Returns: all objects' masks on this frame.
  /// - Throws: `SAM2Error` for a mask of another size, what the frames throw.
  @discardableResult
  public mutating func prompt(object: Int, frame: Int, mask: Tensor, _ run: Run = Run()) throws -> FrameMasks {
    try check(frame)
    guard mask.shape == [height, width] else {
      throw SAM2Error.wrongMask(expected: [height, width], found: mask.shape)
    }
    let size = configuration.imageSize
    let whole = mask.reshaped([1, 1, height, width])
    let fitted =
      (height, width) == (size, size)
      ? whole : whole.resizedBilinearAntialiased(height: size, width: size).binarized(atLeast: 0.5)
    var prompted = existingOrNew(object)
    prompted.maskedFrames.insert(frame)
    prompted.points[frame] = nil
    return try answer(.mask(fitted), for: prompted, on: frame, run)
  }

  /// Follows all objects through the video. Source: `propagate_in_video`.
  ///
  /// - Parameters:
  ///   - start: the first frame; nil for the earliest that started an object.
  ///   - most: how many frames to go beyond the first; nil for all.
  ///   - isReverse: whether to go backwards.
  ///   - visit: called with every frame's masks, in order. What it throws ends the tracking, which may be taken
  ///     up again at the next frame.
  /// - Throws: `SAM2Error` where there is nothing to follow, what the frames and `visit` throw.
  public mutating func propagate(
    from start: Int? = nil, frames most: Int? = nil, isReverse: Bool = false, _ run: Run = Run(),
    _ visit: (FrameMasks) throws -> Void
  ) throws {
    try settlePrompts(run)
    guard let way = try way(from: start, frames: most, isReverse: isReverse) else { return }
    try follow(way, run) { masks, _ in try visit(masks) }
  }

  /// Takes back an object's prompts on a frame. Source: `clear_all_prompts_in_frame`.
  ///
  /// - Returns: all objects' masks on this frame.
  /// - Throws: `SAM2Error.noSuchObject`, `.noSuchFrame`.
  @discardableResult
  public mutating func clearPrompts(object: Int, frame: Int) throws -> FrameMasks {
    try check(frame)
    objects[try index(of: object)].clearPrompts(on: frame)
    return masks(on: frame, isConditioning: objects.contains { $0.pending.conditioning.contains(frame) })
  }

  /// Forgets an object. Source: `remove_object`.
  ///
  /// - Throws: `SAM2Error.noSuchObject`.
  public mutating func remove(object: Int) throws { objects.remove(at: try index(of: object)) }

  /// Forgets all objects. Source: `reset_state`.
  public mutating func reset() { objects.removeAll() }
}

extension VideoSession {
  mutating func features(of frame: Int, _ run: Run) throws -> FrameFeatures {
    if let latest, latest.frame == frame { return latest.features }
    latest = nil  // lets go of the memory before as much again is taken
    let image = try frames.frame(frame, size: configuration.imageSize)
    let size = configuration.imageSize
    guard image.shape == [3, size, size] else {
      throw SAM2Error.wrongPicture(expected: [3, size, size], found: image.shape)
    }
    let run = recordedFrames.contains(frame) ? run.unrecorded : run.on(frame: frame)
    if run.taps != nil { recordedFrames.insert(frame) }
    let features = model.frameFeatures(image, run)
    latest = (frame, features)
    return features
  }

  private func index(of id: Int) throws(SAM2Error) -> Int {
    guard let index = objects.firstIndex(where: { $0.id == id }) else {
      throw .noSuchObject(id, known: objectIDs)
    }
    return index
  }

  private func existingOrNew(_ id: Int) -> TrackedObject {
    objects.first { $0.id == id } ?? TrackedObject(id: id)
  }

  func check(_ frame: Int) throws(SAM2Error) {
    guard frame >= 0, frame < frames.count ?? .max else { throw .noSuchFrame(frame, count: frames.count) }
  }

  /// What all objects look like on a frame. Source: `_consolidate_temp_output_across_obj`.
  func masks(on frame: Int, isConditioning: Bool) -> FrameMasks {
    let side = configuration.imageSize / 4
    let shown = objects.map { object in
      object.output(on: frame, isConditioning: isConditioning).map { show(object.id, $0) }
        ?? FrameMasks.Object(
          id: object.id, lowResLogits: Tensor(repeating: SAM2Base.noObjectScore, [side, side]),
          objectScore: nil, predictedIoU: nil)
    }
    return FrameMasks(
      frame: frame, objects: shown, width: width, height: height, areSeparated: configuration.nonOverlapMasks)
  }

  func show(_ id: Int, _ output: FrameOutput) -> FrameMasks.Object {
    FrameMasks.Object(
      id: id, lowResLogits: output.maskLogits[0][0], objectScore: output.objectScore.elements[0],
      predictedIoU: output.predictedIoU)
  }
}
