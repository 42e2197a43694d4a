public import Traces

/// What accompanies one pass through the model.
public struct Run {
  /// Where the arguments and results of every module go; nil when nothing is recorded.
  public let taps: Taps?

  /// A pass that records into `taps`, if given.
  public init(taps: Taps? = nil) { self.taps = taps }
}
