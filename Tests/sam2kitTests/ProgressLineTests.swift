// The line that somebody sees who watches a video being gone through.
import Testing

@testable import Pipelines
@testable import sam2kit

@Suite struct ProgressLineTests {
  private func line(done: Int, of total: Int?, now: Int, seconds: Double) -> String {
    let stage = FrameProgress.Stage.tracking
    return FrameProgress(
      stage: stage, frame: 249, done: done, total: total, doneNow: now, seconds: seconds
    ).text
  }

  /// An earlier run did 150 frames; this one did 100 in 50 seconds, so that the 250 that are left take 125.
  @Test func whatIsLeftTakesAsLongAsWhatThisRunDid() {
    #expect(
      line(done: 250, of: 500, now: 100, seconds: 50) == "frame 249: 250 of 500, 2:05 left, 2.00 frames/s")
    #expect(line(done: 250, of: nil, now: 100, seconds: 50) == "frame 249: 250, 2.00 frames/s")
  }

  /// A container may promise fewer frames than there are, and a clock may not have moved yet.
  @Test func nothingIsLeftWhereThereIsNothingToReckonWith() {
    #expect(line(done: 6, of: 5, now: 6, seconds: 3) == "frame 249: 6 of 5, 0:00 left, 2.00 frames/s")
    #expect(line(done: 1, of: 500, now: 1, seconds: 0).hasPrefix("frame 249: 1 of 500, 0:00 left, "))
  }
}
