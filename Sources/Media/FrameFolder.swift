// A folder of pictures of one kind as a video, in the order in which people count files.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images.

import Files
import Synchronization

/// The pictures of a folder in natural order, each decoded when it is asked for.
///
/// The official loader sorts by `int(stem)` and takes JPEGs alone, which stand before all other kinds here; where it works
/// this gives the same frames. What is left aside is said.
final class FrameFolder: FrameSource {
  let path: String
  let width: Int
  let height: Int
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String]
  private let range: SampleRange
  private let leftAside: [String]
  /// The last few frames, for steps back and forth.
  private let recent: Mutex<[VideoFrame]>
  private let readingNotes: Mutex<FrameNotes>

  private static let recentLimit = 3

  var count: Int? { frameNames.count }

  var notes: [String] {
    leftAside + readingNotes.withLock(\.sentences).map { "\(frameNames[$0.frame]): \($0.note)" }
  }

  /// Lists a folder and reads its first frame.
  ///
  /// - Throws: `MediaError.file`, `.noFrames`, `.sameNumber`, and what `Picture.read` throws.
  init(path: String, range: SampleRange = .pillow) throws(MediaError) {
    let found: FrameNames
    do { found = try FrameNames(Folder.entries(path).filter { !FilePath.isFolder("\(path)/\($0)") }) } catch {
      throw .file(error)
    }
    if let (one, other) = found.sameNumber { throw .sameNumber(path: path, names: [one, other]) }
    guard let first = found.frames.first else { throw .noFrames(path: path, found: found.leftAsideWords) }
    self.path = path
    frameNames = found.frames
    leftAside = found.leftAside
    self.range = try range.settled { () throws(MediaError) in
      var span: ClosedRange<Double>?
      for name in found.frames { span = try Picture.deepSpan(path: "\(path)/\(name)").joined(with: span) }
      return span
    }
    let picture = try Picture.read(path: "\(path)/\(first)", range: self.range)
    (width, height) = (picture.width, picture.height)
    recent = Mutex(
      [VideoFrame(index: 0, timestamp: nil, width: width, height: height, content: .picture(picture))])
    readingNotes = Mutex(FrameNotes(picture.notes, of: 0))
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard frameNames.indices.contains(index) else { return nil }
    if let known = recent.withLock({ frames in frames.first { $0.index == index } }) { return known }
    let framePath = "\(path)/\(frameNames[index])"
    let picture = try Picture.read(path: framePath, range: range)
    guard picture.width == width, picture.height == height else {
      throw .frameSizeMismatch(
        path: framePath, expectedWidth: width, expectedHeight: height, foundWidth: picture.width,
        foundHeight: picture.height)
    }
    readingNotes.withLock { $0.add(picture.notes, of: index) }
    let frame = VideoFrame(
      index: index, timestamp: nil, width: width, height: height, content: .picture(picture))
    recent.withLock { $0 = $0.suffix(Self.recentLimit - 1) + [frame] }
    return frame
  }
}

/// What reading decided about frames, each kind with the first frame that it happened to.
struct FrameNotes {
  private var first: [String: Int] = [:]

  init(_ notes: [String], of frame: Int) { add(notes, of: frame) }

  mutating func add(_ notes: [String], of frame: Int) {
    for note in notes { first[note] = min(first[note] ?? frame, frame) }
  }

  /// In the order of the frames.
  var sentences: [(frame: Int, note: String)] {
    first.map { (frame: $0.value, note: $0.key) }.sorted { ($0.frame, $0.note) < ($1.frame, $1.note) }
  }
}
