import Architecture
public import Tensors

/// Tracks objects through videos: point at them on some frames, and follow them through the others.
/// Source: sam2/sam2_video_predictor.py, SAM2VideoPredictor.
public struct VideoPredictor: Sendable {
  /// The model that tracks.
  public let model: SAM2Base

  /// A predictor over `model`.
  ///
  /// - Throws: `SAM2Error.cannotTrack` for an architecture that no past can be given to.
  public init(_ model: SAM2Base) throws(SAM2Error) {
    let configuration = model.configuration
    if model.isPictureModel {
      throw .cannotTrack(
        "the checkpoint holds a picture model (Sam2Model), without the memory's tensors: take the video model's "
          + "(Sam2VideoModel), or segment pictures with this one")
    }
    if !configuration.directlyAddNoMemEmbed {
      throw .cannotTrack(
        "without directly_add_no_mem_embed the first frame attends to a single token, which rotary attention "
          + "has no place for")
    }
    if !configuration.memoryAttention.layer.crossAttention.ropeKRepeat {
      throw .cannotTrack("without rope_k_repeat the cross-attention has room for one memory only")
    }
    self.model = model
  }

  /// Begins with a video whose frames can be asked for in any order.
  ///
  /// - Parameters:
  ///   - frames: where frames come from; each is asked for when it is needed.
  ///   - width: the video's width in pixels, in which prompts will be given.
  ///   - height: its height in pixels.
  ///   - history: what is kept of frames left behind.
  public func session(
    _ frames: any VideoFrames, width: Int, height: Int, history: VideoHistory = .everything
  ) -> VideoSession {
    VideoSession(model: model, frames: frames, width: width, height: height, history: history)
  }

  /// Begins with a live source, whose frames will come one after another by `append`.
  ///
  /// - Parameters:
  ///   - width: the frames' width in pixels, in which prompts will be given.
  ///   - height: their height in pixels.
  public func liveSession(width: Int, height: Int) -> LiveSession {
    LiveSession(model: model, width: width, height: height)
  }
}

/// What a session keeps of the frames it has left behind.
public enum VideoHistory: Sendable {
  /// What later frames attend to, and no more: as much for a long video as for a short one. Frames further back
  /// than that can't be corrected any more, unless they were pointed at.
  case window
  /// What the next frame attends to, and no more: for a source that never goes back.
  case latest
  /// Every frame's output, so that any frame can be corrected at any time: about 0.8 MB a frame and object with
  /// the released models.
  case everything
}

/// Where a video's frames come from, ready for the model. A session that is handed to another thread asks from there.
public protocol VideoFrames: Sendable {
  /// How many frames there are, if that is known.
  var count: Int? { get }

  /// A frame, `[3, size, size]`, resized and normalised as the model was trained to expect.
  ///
  /// - Throws: `EndOfVideo` if there are fewer frames than was thought, else what keeps the frame from being read.
  func frame(_ index: Int, size: Int) throws -> Tensor
}

/// A frame was asked for that lies beyond the last one.
public struct EndOfVideo: Error, CustomStringConvertible {
  /// Says that there are no more frames.
  public init() {}

  /// One sentence.
  public var description: String { "a frame was asked for that lies beyond the video's end" }
}
