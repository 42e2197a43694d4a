// Pictures of one size as frames, whether they are files of a folder or pages of one file.

import Synchronization

/// What is known of pictures as frames: their size, the last few for steps back and forth, and what reading them decided.
struct PictureFrames: ~Copyable, Sendable {
  let width: Int
  let height: Int
  private let recent: Mutex<[VideoFrame]>
  private let reading: Mutex<FrameNotes>

  private static let recentLimit = 3

  /// Begins with the first picture, whose size all must have.
  init(_ first: Picture) {
    (width, height) = (first.width, first.height)
    recent = Mutex([VideoFrame(first, at: 0)])
    reading = Mutex(FrameNotes(first.notes, of: 0))
  }

  /// What reading decided so far, in the order of the frames.
  var notes: [(frame: Int, note: String)] { reading.withLock(\.sentences) }

  /// A frame, read unless it is one of the last few.
  ///
  /// - Parameters:
  ///   - name: What it is called in an error.
  ///   - read: Reads its picture.
  /// - Throws: `MediaError.frameSizeMismatch`, and what `read` throws.
  func frame(
    at index: Int, named name: String, _ read: () throws(MediaError) -> Picture
  ) throws(MediaError) -> VideoFrame {
    if let known = recent.withLock({ frames in frames.first { $0.index == index } }) { return known }
    let picture = try read()
    guard picture.width == width, picture.height == height else {
      throw .frameSizeMismatch(
        path: name, expectedWidth: width, expectedHeight: height, foundWidth: picture.width,
        foundHeight: picture.height)
    }
    reading.withLock { $0.add(picture.notes, of: index) }
    let frame = VideoFrame(picture, at: index)
    recent.withLock { $0 = $0.suffix(Self.recentLimit - 1) + [frame] }
    return frame
  }
}

extension VideoFrame {
  fileprivate init(_ picture: Picture, at index: Int) {
    self.init(
      index: index, timestamp: nil, width: picture.width, height: picture.height, content: .picture(picture))
  }
}

/// What reading decided about frames, each kind with the first frame that it happened to.
private struct FrameNotes {
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
