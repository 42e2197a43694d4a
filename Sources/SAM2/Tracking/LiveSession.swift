import Architecture
public import Prompts
public import Tensors

/// A live video: frames are given one by one, and each one's masks come back at once.
///
/// Only the latest frame can be pointed at, and memory is bounded however long the source lasts.
public struct LiveSession: Sendable {
  private var session: VideoSession
  private var latest = LatestFrame(index: -1, image: nil)
  private let imageSize: Int

  init(model: SAM2Base, width: Int, height: Int) {
    imageSize = model.configuration.imageSize
    session = VideoSession(model: model, frames: latest, width: width, height: height, history: .latest)
  }

  /// How many frames have come so far.
  public var frameCount: Int { latest.index + 1 }

  /// The objects' numbers, in the order in which they were added.
  public var objectIDs: [Int] { session.objectIDs }

  /// Takes the next frame and follows all objects to it.
  ///
  /// - Parameter image: `[3, S, S]`, resized to the model's `imageSize` and normalised.
  /// - Returns: the masks of all objects; none as long as nothing was pointed at.
  /// - Throws: `SAM2Error.wrongPicture`, `.objectWithoutPrompts`; the frame then counts as not having come.
  public mutating func append(_ image: Tensor, _ run: Run = Run()) throws -> FrameMasks {
    guard image.shape == [3, imageSize, imageSize] else {
      throw SAM2Error.wrongPicture(expected: [3, imageSize, imageSize], found: image.shape)
    }
    // Prompts are about the frame before, whose features are still there.
    if !session.objects.isEmpty { try session.settlePrompts(run) }
    let next = LatestFrame(index: latest.index + 1, image: image.compacted())
    session.frames = next
    do {
      let masks = try session.track(to: next.index, isReverse: false, run)
      latest = next
      return masks
    } catch {
      session.frames = latest
      session.latest = nil  // may be of this frame, whose number another one will bear
      throw error
    }
  }

  /// Points at an object on the latest frame; see `VideoSession.prompt`.
  ///
  /// - Throws: `SAM2Error` for a prompt that can't be meant, `.noSuchFrame` before the first frame.
  @discardableResult
  public mutating func prompt(
    object: Int, points: [Click] = [], box: Box? = nil, keepingPoints: Bool = false,
    _ run: Run = Run()
  ) throws -> FrameMasks {
    try session.prompt(
      object: object, frame: latest.index, points: points, box: box, keepingPoints: keepingPoints, run)
  }

  /// Says what an object looks like on the latest frame; see `VideoSession.prompt`.
  ///
  /// - Throws: `SAM2Error.wrongMask`, `.noSuchFrame` before the first frame.
  @discardableResult
  public mutating func prompt(object: Int, mask: Tensor, _ run: Run = Run()) throws -> FrameMasks {
    try session.prompt(object: object, frame: latest.index, mask: mask, run)
  }

  /// Forgets an object.
  ///
  /// - Throws: `SAM2Error.noSuchObject`.
  public mutating func remove(object: Int) throws { try session.remove(object: object) }

  /// Forgets all objects; frames go on being counted.
  public mutating func reset() { session.reset() }
}

/// The latest frame of a source without an end.
private struct LatestFrame: VideoFrames {
  let index: Int
  let image: Tensor?

  var count: Int? { nil }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard index == self.index, let image else { throw EndOfVideo() }
    return image
  }
}
