public import Taps

/// What accompanies one pass through the model.
public struct Run: Sendable {
  /// Where the arguments and results of every module go; nil when nothing is recorded.
  public let taps: Taps?
  /// What of a video the pass is about.
  private(set) var place = TapPlace()
  /// What the modules inside one that is being isolated return.
  private(set) var standIns: StandIns?

  /// A pass that records into `taps`, if given.
  public init(taps: Taps? = nil) { self.taps = taps }

  /// The same, about one frame of a video, and about one object on it.
  func on(frame: Int, object: Int? = nil) -> Run {
    var run = self
    run.place = TapPlace(frame: frame, object: object)
    return run
  }

  /// The same, within a module that is being isolated.
  func standing(in standIns: StandIns) -> Run {
    var run = self
    run.standIns = standIns
    return run
  }
}
