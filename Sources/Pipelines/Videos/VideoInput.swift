import Files
import Foundation
public import Media
public import SAM2
public import Tensors
import Traces

/// A video as the model and a trace see it: a folder of frames or a file.
public struct VideoInput: VideoFrames {
  /// Where its frames come from.
  public let source: any FrameSource
  private let longestSide: Int?

  /// Opens a video, and counts its frames where only decoding it can tell: what a frame attends to depends on it.
  ///
  /// - Parameter options: Which frames to take, and how pictures are read.
  /// - Throws: `MediaError`.
  public init(path: String, _ options: FrameOptions = FrameOptions()) throws(MediaError) {
    source = try openFrameSource(path: path, options)
    longestSide = options.longestSide
    var next = 0
    while source.count == nil, try source.frame(at: next) != nil { next += 1 }
  }

  /// How many frames there are.
  public var count: Int? { source.count }

  /// A frame, `[3, size, size]`, resized and normalised.
  ///
  /// - Throws: `EndOfVideo`, `MediaError`.
  public func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let frame = try source.frame(at: index) else { throw EndOfVideo() }
    return try frame.prepared(size: size, longestSide: longestSide)
  }

  /// Reads frames, by their numbers in the video, once more that an interrupted run has read, to find the damage that it
  /// found and what reading decided.
  func revisit(_ frames: [Int]) throws {
    for frame in frames.compactMap(source.numbering.index) { _ = try source.frame(at: frame) }
  }

  /// Whether a path leads to the video itself or one of its frames, which nothing may replace.
  func stands(at path: String) -> Bool {
    guard FilePath.exists(path) else { return false }
    return FilePath.isSame(source.path, path)
      || source.frameNames.contains { FilePath.isSame("\(source.path)/\($0)", path) }
  }

  /// What a trace says of it.
  var traceInput: TraceInput {
    TraceInput(
      kind: "video", width: source.width, height: source.height, frames: source.count,
      preprocessing: longestSide.map { "\(Preparation.video) after \($0)" } ?? Preparation.video)
  }

  /// The digest of a file, or of the list of a folder's frames and their digests.
  var digest: String {
    get throws {
      let names = source.frameNames
      guard !names.isEmpty else { return try SHA256.hex(ofFile: source.path) }
      let lines = try names.map { "\(try SHA256.hex(ofFile: "\(source.path)/\($0)"))  \($0)\n" }
      return Array(lines.joined().utf8).withUnsafeBytes { SHA256.hex(of: $0) }
    }
  }
}
