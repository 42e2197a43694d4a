import Media

/// The video with every object's mask drawn, as a video.
struct TrackOverlay {
  /// Frames per second where the source has no times, as of a folder.
  private static let frameRate = 24.0

  /// Writes the frames of a source under the masks of a finished run's report.
  static func write(_ path: String, _ source: any FrameSource, _ journal: TrackJournal) throws {
    let writer = try VideoWriter(
      path: path, width: source.width, height: source.height, frameRate: source.frameRate ?? frameRate)
    var index = 0
    while let frame = try source.frame(at: index) {
      let objects = try journal.entry(of: index)?.masks() ?? []
      let last = objects.map(\.object).max() ?? 0
      // Colours go by position: an object keeps its own whether the others are there or not.
      var drawn = [OverlayObject](repeating: OverlayObject(), count: last)
      for (object, mask) in objects { drawn[object - 1] = OverlayObject(mask: mask) }
      try writer.append(try frame.picture.overlaid(with: drawn), at: frame.timestamp)
      index += 1
      Console.line("overlay: frame \(index)\(source.count.map { " of \($0)" } ?? "")")
    }
    try writer.finish()
  }
}
