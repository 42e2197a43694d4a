import Foundation
import Testing
import Traces

private func prompts(_ json: String) throws -> TracePrompts {
  try JSONDecoder().decode(TracePrompts.self, from: Data(json.utf8))
}

@Suite struct VideoStepTests {
  @Test func stepsAreReadAndWrittenAsTheyWere() throws {
    let json = """
      {"steps":[{"prompt":{"frame":3,"keep":true,"labels":[1],"object":2,"points":[[4,5]]}},\
      {"propagate":{"frames":8,"from":0,"reverse":true}},{"propagate":{}},{"clear":{"frame":0,"object":1}},\
      {"remove":{"object":2}},{"reset":{}}]}
      """
    let read = try prompts(json)
    #expect(
      read.steps == [
        .prompt(.init(object: 2, frame: 3, points: [[4, 5]], labels: [1], keep: true)),
        .propagate(.init(from: 0, frames: 8, reverse: true)), .propagate(.init()),
        .clear(object: 1, frame: 0), .remove(object: 2), .reset,
      ])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(read), as: UTF8.self) == json)
    #expect(read.script(frameCount: 1) == read.steps)
  }

  @Test(arguments: [#"{"steps":[{}]}"#, #"{"steps":[{"clear":{"object":1,"frame":0},"reset":{}}]}"#])
  func aStepIsOneThing(json: String) {
    #expect(throws: DecodingError.self) { try prompts(json) }
  }

  private let objects = """
    {"objects":[{"id":1,"points":[[1,2]],"labels":[1]},{"id":2,"frame":8,"box":[1,2,3,4]},
    {"id":1,"frame":8,"points":[[5,6]],"labels":[0]},{"id":1,"frame":9,"points":[[7,8]],"labels":[1]}]}
    """

  @Test func promptsOnLaterFramesWaitUntilTimeComesThere() throws {
    let script = try prompts(objects).script(frameCount: 20)
    #expect(
      script == [
        .prompt(.init(object: 1, frame: 0, points: [[1, 2]], labels: [1])),
        .propagate(.init(from: 0, frames: 8)),
        .prompt(.init(object: 2, frame: 8, box: [1, 2, 3, 4])),
        .prompt(.init(object: 1, frame: 8, points: [[5, 6]], labels: [0])),
        .propagate(.init(from: 9, frames: 0)),
        .prompt(.init(object: 1, frame: 9, points: [[7, 8]], labels: [1])),
        .propagate(.init(from: 10)),
      ])
  }

  @Test func timeMayRunBackwards() throws {
    let script = try prompts(objects).script(frameCount: 20, isReverse: true)
    #expect(
      script == [
        .prompt(.init(object: 1, frame: 9, points: [[7, 8]], labels: [1])),
        .propagate(.init(from: 9, frames: 1, reverse: true)),
        .prompt(.init(object: 2, frame: 8, box: [1, 2, 3, 4])),
        .prompt(.init(object: 1, frame: 8, points: [[5, 6]], labels: [0])),
        .propagate(.init(from: 7, frames: 7, reverse: true)),
        .prompt(.init(object: 1, frame: 0, points: [[1, 2]], labels: [1])),
      ])
  }

  @Test func backwardsFrameZeroIsReachedFromFrameOne() throws {
    let text = #"{"objects":[{"id":1,"frame":2,"box":[1,2,3,4]},{"id":2,"frame":1,"box":[1,2,3,4]}]}"#
    let script = try prompts(text).script(frameCount: 20, isReverse: true)
    #expect(script.last == .propagate(.init(from: 0, frames: 0, reverse: true)))
  }

  @Test func behindTheLastFrameNothingIsTracked() throws {
    #expect(try prompts(objects).script(frameCount: 10).last != .propagate(.init(from: 10)))
  }
}
