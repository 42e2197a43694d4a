// Which frame a mask's name means.
import Testing

@testable import Evaluation

@Suite struct FramePairingTests {
  private func pairs(_ frames: [String], _ masks: [String]) throws -> [Int: String] {
    try FramePairing(clip: "a", frames: frames).frames(of: masks)
  }

  @Test func aNameComesBeforeItsNumber() throws {
    #expect(
      try pairs(["00005.jpg", "frame_5.jpg"], ["frame_5.png", "00005.png"]) == [
        0: "00005.png", 1: "frame_5.png",
      ])
    #expect(try pairs(["shot_007.jpg", "shot_010.jpg"], ["10.png"]) == [1: "10.png"])
  }

  /// A name without digits isn't the frame 0, nor that of another such name.
  @Test func aNameWithoutDigitsHasNoNumber() {
    for (frames, mask) in [(["000.jpg", "001.jpg"], "mask.png"), (["cover.jpg", "001.jpg"], "mask.png")] {
      #expect(throws: EvaluationError.missingFrame(clip: "a", mask: mask)) { try pairs(frames, [mask]) }
    }
  }

  @Test func twoMasksOfAFrameAreNamedAsTheyCame() {
    #expect(throws: EvaluationError.sameFrame(clip: "a", masks: ["5.png", "00005.png"])) {
      try pairs(["00005.jpg"], ["5.png", "00005.png"])
    }
  }
}
