// Some of a video's frames tracked: numbers stay, and a run goes on with the same frames only.
import Foundation
import Media
import Pipelines
import Prompts
import Testing
import TestSupport

private let clip = TestFiles.package("Reference/clips/shapes")

private func request(_ script: PromptScript, every: Int = 1, into folder: String) -> TrackRequest {
  var request = TrackRequest(video: clip, prompts: script, output: folder)
  request.frames.every = every
  return request
}

@Suite struct PartsOfVideosTests {
  private let disc = ObjectPrompt(object: 1, points: [Click(x: 44, y: 84)])

  @Test func aRunGoesOnWithTheSameFramesOnly() throws {
    try TestFiles.withTemporaryFolder { folder in
      let model = try recordedModel()
      var asked = request(PromptScript(objects: [disc]), every: 2, into: folder)
      var seen: [Int] = []
      #expect(throws: CancellationError.self) {
        try model.track(asked, isCancelled: { seen.count >= 3 }, visit: { seen.append($0.frame) })
      }
      // A frame that is pointed at comes once more.
      #expect(seen == [0, 0, 2])
      asked.resumes = true
      var other = asked
      other.frames.every = 3
      #expect(throws: OtherRun.self) { try model.track(other) }
      other = asked
      other.frames.to = 20
      #expect(throws: OtherRun.self) { try model.track(other) }
      // As many frames, read otherwise.
      other = asked
      other.frames.range = .fixed(black: 0, white: 99)
      #expect(throws: OtherRun.self) { try model.track(other) }
      #expect(try model.track(asked, visit: { seen.append($0.frame) }).frameCount == 12)
      #expect(seen == [0] + Array(stride(from: 0, to: 24, by: 2)))
    }
  }

  /// Steps speak of frames by their numbers in the video.
  @Test func stepsKeepTheirNumbers() throws {
    try TestFiles.withTemporaryFolder { folder in
      var prompt = disc
      prompt.frame = 4
      let script = PromptScript(
        steps: [.prompt(prompt), .propagate(.init(from: 8, frames: 2)), .clear(object: 1, frame: 4)])
      var seen: [Int] = []
      try recordedModel().track(request(script, every: 4, into: folder), visit: { seen.append($0.frame) })
      #expect(seen == [4, 8, 12, 16])
      for wrong: VideoStep in [.propagate(.init(from: 9)), .clear(object: 1, frame: 6), .prompt(disc5)] {
        let script = PromptScript(steps: [.prompt(prompt), wrong])
        #expect {
          try Tracking(request(script, every: 4, into: folder))
        } throws: {
          "\($0)".contains("expected one of the frames that are taken, 0 to 20, one in 4")
        }
      }
    }
  }

  private var disc5: ObjectPrompt {
    var prompt = disc
    prompt.frame = 5
    return prompt
  }

  /// By the PNG's header: 8 bits with a palette as far as that counts, then 16 bits of grey.
  @Test(arguments: [(255, [8, 3]), (256, [16, 0])] as [(Int, [UInt8])])
  func aByteIsKeptAsLongAsItCounts(object: Int, header: [UInt8]) throws {
    try TestFiles.withTemporaryFolder { folder in
      var asked = request(
        PromptScript(objects: [ObjectPrompt(object: object, points: disc.points)]), into: folder)
      asked.frames.to = 0
      try recordedModel().track(asked)
      let png = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/00000.png"))
      #expect(Array(png[24..<26]) == header)
    }
  }
}
