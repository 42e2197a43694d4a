import Files
import Foundation
import Media
import SAM2
import Tensors
import Traces

/// A video as the model and a trace see it.
struct VideoInput: VideoFrames {
  let source: any FrameSource

  init(path: String) throws { source = try openFrameSource(path: path) }

  var count: Int? { source.count }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let frame = try source.frame(at: index) else { throw EndOfVideo() }
    return try frame.prepared(size: size)
  }

  /// What a trace says of it.
  var traceInput: TraceInput {
    TraceInput(
      kind: "video", width: source.width, height: source.height, frames: source.count,
      preprocessing: "load_video_frames")
  }

  /// The digest of a file, or of the list of a folder's frames and their digests.
  var sha256: String {
    get throws {
      let names = source.frameNames
      guard !names.isEmpty else { return try SHA256.hex(ofFile: source.path) }
      let lines = try names.map { "\(try SHA256.hex(ofFile: "\(source.path)/\($0)"))  \($0)\n" }
      return Array(lines.joined().utf8).withUnsafeBytes { SHA256.hex(of: $0) }
    }
  }
}
