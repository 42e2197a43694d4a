/// Counts frames and the time that they take.
struct ProgressClock {
  private let stage: FrameProgress.Stage
  private let total: Int?
  private let before: Int
  private var doneNow = 0
  private let start = ContinuousClock.now

  /// - Parameter done: How many frames an earlier run did.
  init(stage: FrameProgress.Stage, total: Int?, done: Int = 0) {
    self.stage = stage
    self.total = total
    before = done
  }

  mutating func advance(to frame: Int) -> FrameProgress {
    doneNow += 1
    return FrameProgress(
      stage: stage, frame: frame, done: before + doneNow, total: total, doneNow: doneNow,
      seconds: start.duration(to: .now) / .seconds(1))
  }
}
