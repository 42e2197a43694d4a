// Where a video's frames come from: a folder of pictures or a video file, behind one protocol.

import Files

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A video's frames in presentation order, decoded when they are asked for.
///
/// Any order of access works; one after another, forwards or backwards, is what it is made for. Memory stays
/// bounded however long the video is. Threads that share a source take turns.
public protocol FrameSource: AnyObject, Sendable {
  /// The file or folder.
  var path: String { get }
  /// Pixels per row as displayed, after any rotation. All frames are of one size.
  var width: Int { get }
  /// Rows as displayed.
  var height: Int { get }
  /// How many frames there are; nil where only decoding to the end can tell, until that has happened. It becomes
  /// smaller when a damaged file turns out to end early.
  var count: Int? { get }
  /// Frames per second by the container's word; nil where it has none, as for a folder.
  var frameRate: Double? { get }
  /// The names of a folder's files, one per frame; empty for a video file.
  var frameNames: [String] { get }
  /// What was wrong with the frames delivered so far, at most one entry a kind; empty for a sound video.
  var damage: [VideoDamage] { get }
  /// The numbers that the frames have in their video, of which some may be left out.
  var numbering: FrameNumbering { get }
  /// What was left aside, and what reading the frames delivered so far decided, a sentence a kind.
  var notes: [String] { get }

  /// Frame `index`, from 0; nil where the video has ended before it.
  ///
  /// - Throws: `MediaError` where the frame is unreadable or of another size. Damage inside a video file doesn't
  ///   throw: what could be decoded is delivered, and `damage` tells.
  func frame(at index: Int) throws(MediaError) -> VideoFrame?
}

/// Opens a video: a folder's pictures in natural order, the pages of a TIFF, the pictures of an AVIF, or a video file that
/// FFmpeg can demultiplex and decode. Playlists and scripts, which lead to other files, are refused.
///
/// - Parameter options: Which frames to take, and how pictures are read.
/// - Throws: `MediaError.file`, `.noFrames`, `.noSuchFrames`, `.noSuchStream`, `.sameNumber`, `.noVideoStream`,
///   `.undecodableVideo`, `.frameSizeMismatch`, and for a folder what `Picture.read` throws.
public func openFrameSource(
  path: String, _ options: FrameOptions = FrameOptions()
) throws(MediaError) -> any FrameSource {
  var status = stat()
  guard path.withFileName({ stat($0, &status) }) == 0 else {
    throw .file(.unreadable(path: path, reason: systemError()))
  }
  guard [S_IFDIR, S_IFREG].contains(status.st_mode & S_IFMT) else { throw .file(.notAFile(path: path)) }
  let source: any FrameSource
  if status.st_mode & S_IFMT == S_IFDIR {
    if let stream = options.stream { throw .noSuchStream(path: path, asked: stream, count: 0) }
    source = try FrameFolder(path: path, range: options.range)
  } else if options.stream == nil, try PictureStack.isStack(path: path) {
    source = try PictureStack(path: path, range: options.range)
  } else {
    source = try VideoFile(path: path, stream: options.stream, range: options.range)
  }
  return options.isPart ? try SelectedFrames(source, options) : source
}

extension FrameSource {
  /// Those of a whole video.
  public var numbering: FrameNumbering { .all }
}

/// One kind of damage met in a video file, and how much of it; or what the file asks for in vain.
public enum VideoDamage: Sendable, Equatable, CustomStringConvertible {
  /// Nothing more could be read after `frames` frames, where the file promises `expected` (nil if it doesn't say).
  case endedEarly(frames: Int, expected: Int?, reason: String)
  /// `count` frames could not be decoded, `first` before all; the frame before each stands in for it.
  case replaced(first: Int, count: Int)
  /// `count` frames were decoded from damaged data, `first` before all, and may show it.
  case concealed(first: Int, count: Int)
  /// `count` frames are of another size than the video's first, `first` before all; they are scaled to its size.
  case resized(first: Int, count: Int, width: Int, height: Int)
  /// Times go back at that frame; those from there on are made to grow.
  case timesGoBack(at: Int)
  /// The file asks for mirrored frames, which is left out, as decord does.
  case mirrored

  /// One sentence with the frame's index, counted from 0.
  public var description: String {
    switch self {
    case .endedEarly(let frames, let expected, let reason):
      "the video ends after frame \(frames - 1)" + (expected.map { ", expected \($0) frames" } ?? "")
        + ": \(reason)"
    case .replaced(let first, let count):
      "\(count) frame(s) from frame \(first) on can't be decoded; the frame before stands in"
    case .concealed(let first, let count):
      "\(count) frame(s) from frame \(first) on are decoded from damaged data"
    case .resized(let first, let count, let width, let height):
      "\(count) frame(s) from frame \(first) on, \(width) × \(height) pixels, are of another size than the first; they are "
        + "scaled to the first's, as decord has them"
    case .timesGoBack(let frame):
      "the file's times go back at frame \(frame), as where videos were joined; frames stay in the file's order, and "
        + "times are made to grow"
    case .mirrored: "the file asks for mirrored frames; they are turned but not mirrored, as decord has them"
    }
  }
}
