import Foundation
import Prompts
import Testing

private func prompts(_ json: String) throws -> PromptScript {
  try JSONDecoder().decode(PromptScript.self, from: Data(json.utf8))
}

private func written(_ prompts: PromptScript) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return String(decoding: try encoder.encode(prompts), as: UTF8.self)
}

@Suite struct PromptScriptTests {
  @Test func stepsAreReadAndWrittenAsTheyWere() throws {
    let json = """
      {"steps":[{"prompt":{"frame":3,"keep":true,"labels":[1],"object":2,"points":[[4,5]]}},\
      {"propagate":{"frames":8,"from":0,"reverse":true}},{"propagate":{}},{"clear":{"frame":0,"object":1}},\
      {"remove":{"object":2}},{"reset":{}}]}
      """
    let read = try prompts(json)
    #expect(
      read.steps == [
        .prompt(.init(object: 2, frame: 3, points: [Click(x: 4, y: 5)], keepsPoints: true)),
        .propagate(.init(from: 0, frames: 8, isReverse: true)), .propagate(.init()),
        .clear(object: 1, frame: 0), .remove(object: 2), .reset,
      ])
    #expect(try written(read) == json)
    #expect(read.script(frameCount: 1) == read.steps)
  }

  @Test func objectsAreReadAndWrittenAsTheyWere() throws {
    let json = """
      {"multimask":true,"objects":[{"box":[1,2.5,3,4],"id":1,"labels":[1,0],"mask":"a.png","points":[[0.1,2],[3,4]]},\
      {"box":[1,2,3,4],"frame":8,"id":2}]}
      """
    let read = try prompts(json)
    #expect(
      read.objects == [
        ObjectPrompt(
          object: 1, points: [Click(x: 0.1, y: 2), Click(x: 3, y: 4, isObject: false)],
          box: Box(x0: 1, y0: 2.5, x1: 3, y1: 4), mask: "a.png"),
        ObjectPrompt(object: 2, frame: 8, box: Box(x0: 1, y0: 2, x1: 3, y1: 4)),
      ])
    #expect(read.multimask)
    #expect(try written(read) == json)
  }

  @Test func whatIsNullOrUnknownInARecordingIsPassedOver() throws {
    let read = try prompts(
      #"{"objects": [{"id": 1, "points": null, "labels": null, "box": null, "note": {}}], "author": "x"}"#)
    #expect(read == PromptScript(objects: [ObjectPrompt(object: 1)]))
  }

  @Test(arguments: [
    #"{"steps":[{}]}"#, #"{"steps":[{"clear":{"object":1,"frame":0},"reset":{}}]}"#,
    #"{"objects":[{"id":1,"points":[[1]],"labels":[1]}]}"#, #"{"objects":[{"id":1,"points":[[1,2]]}]}"#,
    #"{"objects":[{"id":1,"points":[[1,2]],"labels":[2]}]}"#, #"{"objects":[{"id":1,"box":[1,2,3]}]}"#, "{}",
  ])
  func partsThatDoNotFitAreRefused(json: String) {
    #expect(throws: DecodingError.self) { try prompts(json) }
  }

  private let objects = """
    {"objects":[{"id":1,"points":[[1,2]],"labels":[1]},{"id":2,"frame":8,"box":[1,2,3,4]},
    {"id":1,"frame":8,"points":[[5,6]],"labels":[0]},{"id":1,"frame":9,"points":[[7,8]],"labels":[1]}]}
    """
  private let first = ObjectPrompt(object: 1, points: [Click(x: 1, y: 2)])
  private let second = ObjectPrompt(object: 2, frame: 8, box: Box(x0: 1, y0: 2, x1: 3, y1: 4))
  private let corrected = ObjectPrompt(object: 1, frame: 8, points: [Click(x: 5, y: 6, isObject: false)])
  private let last = ObjectPrompt(object: 1, frame: 9, points: [Click(x: 7, y: 8)])

  @Test func promptsOnLaterFramesWaitUntilTimeComesThere() throws {
    #expect(
      try prompts(objects).script(frameCount: 20) == [
        .prompt(first), .propagate(.init(from: 0, frames: 8)), .prompt(second), .prompt(corrected),
        .propagate(.init(from: 9, frames: 0)), .prompt(last), .propagate(.init(from: 10)),
      ])
  }

  @Test func timeMayRunBackwards() throws {
    #expect(
      try prompts(objects).script(frameCount: 20, direction: .reverse) == [
        .prompt(last), .propagate(.init(from: 9, frames: 1, isReverse: true)), .prompt(second),
        .prompt(corrected), .propagate(.init(from: 7, frames: 7, isReverse: true)), .prompt(first),
      ])
  }

  @Test func bothWaysGoBackFromTheEarliestPrompt() throws {
    let text = #"{"objects":[{"id":1,"frame":5,"box":[1,2,3,4]},{"id":2,"frame":3,"box":[1,2,3,4]}]}"#
    #expect(
      try prompts(text).script(frameCount: 20, direction: .both).last
        == .propagate(.init(from: 3, isReverse: true)))
    #expect(
      try prompts(objects).script(frameCount: 20, direction: .both)
        == prompts(objects).script(frameCount: 20))
  }

  @Test func backwardsFrameZeroIsReachedFromFrameOne() throws {
    let text = #"{"objects":[{"id":1,"frame":2,"box":[1,2,3,4]},{"id":2,"frame":1,"box":[1,2,3,4]}]}"#
    let script = try prompts(text).script(frameCount: 20, direction: .reverse)
    #expect(script.last == .propagate(.init(from: 0, frames: 0, isReverse: true)))
  }

  @Test func behindTheLastFrameNothingIsTracked() throws {
    #expect(try prompts(objects).script(frameCount: 10).last != .propagate(.init(from: 10)))
  }
}
