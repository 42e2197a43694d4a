import Files
import Masks
import Media

/// The video with every object's mask drawn, as a video.
struct TrackOverlay {
  /// Frames per second where the source has no times, as of a folder.
  private static let frameRate = 24.0

  let path: String
  private let source: any FrameSource

  /// Finds what is in the way of an overlay of a source's frames, before the long work.
  init(path: String, _ input: VideoInput) throws {
    guard !input.stands(at: path) else {
      throw FileError.unwritable(path: path, reason: "the video itself is there; name another file")
    }
    self.path = path
    source = input.source
    _ = try writer()
  }

  /// Writes the source's frames under the masks that were found.
  ///
  /// - Throws: `CancellationError` where the user doesn't want to wait for it.
  func write(_ journal: TrackJournal, _ watch: PipelineWatcher, _ isCancelled: () -> Bool) throws {
    let writer = try writer()
    var progress = ProgressClock(stage: .overlay, total: source.count)
    var index = 0
    let start = try source.frame(at: 0)?.timestamp
    while let frame = try source.frame(at: index) {
      if isCancelled() { throw CancellationError() }
      let objects = try journal.entry(of: source.numbering.number(of: index))?.objects ?? []
      // An object keeps its colour whether the others are there or not.
      let drawn = objects.map {
        OverlayObject(runs: $0.mask.segmentation, color: OverlayColor(object: $0.object - 1))
      }
      try writer.append(try frame.picture.overlaid(with: drawn), at: frame.timestamp.map { $0 - (start ?? 0) })
      watch(.progress(progress.advance(to: index)))
      index += 1
    }
    try writer.finish()
  }

  private func writer() throws -> VideoWriter {
    try VideoWriter(
      path: path, width: source.width, height: source.height, frameRate: source.frameRate ?? Self.frameRate)
  }
}
