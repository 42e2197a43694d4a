public import Tensors

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
