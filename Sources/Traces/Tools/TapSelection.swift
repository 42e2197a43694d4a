public import Taps

/// Which taps of a recording to keep.
public struct TapSelection: Sendable {
  /// Shell patterns of module paths or whole names; all taps when there are none.
  public var patterns: [TapPattern]
  /// Frames of a video; all when there are none. What belongs to no frame is kept.
  public var frames: Set<Int>
  /// Objects of a video; all when there are none. What belongs to no object is kept.
  public var objects: Set<Int>
  /// Whether predictions are kept whatever the patterns, within the frames and objects; none is otherwise.
  public var keepsPredictions: Bool

  /// A selection.
  public init(
    patterns: [TapPattern] = [], frames: Set<Int> = [], objects: Set<Int> = [], keepsPredictions: Bool = true
  ) {
    self.patterns = patterns
    self.frames = frames
    self.objects = objects
    self.keepsPredictions = keepsPredictions
  }

  func keeps(_ listed: ListedTap) -> Bool {
    let place = listed.place
    guard frames.isEmpty || place.frame.map(frames.contains) ?? true,
      objects.isEmpty || place.object.map(objects.contains) ?? true
    else { return false }
    if listed.tap.module == nil { return keepsPredictions }
    return patterns.isEmpty || patterns.contains { listed.tap.matches($0) }
  }
}
