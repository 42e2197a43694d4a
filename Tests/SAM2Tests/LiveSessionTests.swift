import Architecture
import Prompts
import SAM2
import Tensors
import Testing
import TestSupport

@Suite struct LiveSessionTests {
  let model: SAM2Base
  let frames: ClipFrames
  let disc = [Click(x: 44, y: 84)]

  init() throws {
    model = try RecordedVideo.micro("clicks").model
    frames = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
  }

  private func image(_ frame: Int) throws -> Tensor {
    try frames.frame(frame, size: model.configuration.imageSize)
  }

  @Test func aLiveSourceGivesWhatAFileWould() throws {
    var live = try VideoPredictor(model).liveSession(width: 160, height: 120)
    #expect(try live.append(image(0)).objects.isEmpty)
    try live.prompt(object: 1, points: disc)
    var found: [[UInt32]] = []
    // More frames than pointers: then the length of the video makes no difference.
    for frame in 1..<20 {
      found += try live.append(image(frame)).objects.map(\.lowResLogits.bits)
      if frame == 6 { try live.prompt(object: 1, points: [.init(x: 60, y: 30, isObject: false)]) }
    }
    var session = try VideoPredictor(model).session(frames, width: 160, height: 120)
    try session.prompt(object: 1, frame: 0, points: disc)
    var expected: [[UInt32]] = []
    try session.propagate(from: 1, frames: 5) { expected += $0.objects.map(\.lowResLogits.bits) }
    try session.prompt(object: 1, frame: 6, points: [.init(x: 60, y: 30, isObject: false)])
    try session.propagate(from: 7, frames: 12) { expected += $0.objects.map(\.lowResLogits.bits) }
    #expect(found == expected)
    #expect(live.frameCount == 20)
  }

  @Test func objectsCanBeAddedAndRemovedAtAnyTime() throws {
    var live = try VideoPredictor(model).liveSession(width: 160, height: 120)
    _ = try live.append(image(0))
    try live.prompt(object: 1, points: disc)
    _ = try live.append(image(1))
    try live.prompt(object: 2, box: .init(x0: 38, y0: 18, x1: 86, y1: 58))
    #expect(try live.append(image(2)).objects.map(\.id) == [1, 2])
    try live.remove(object: 1)
    #expect(try live.append(image(3)).objects.map(\.id) == [2])
    live.reset()
    #expect(try live.append(image(4)).objects.isEmpty)
    try live.prompt(object: 3, mask: Tensor(repeating: 1, [120, 160]))
    #expect(try live.append(image(5)).objects.map(\.id) == [3])
  }

  @Test func nothingCanBePointedAtBeforeTheFirstFrame() throws {
    var live = try VideoPredictor(model).liveSession(width: 160, height: 120)
    #expect(throws: SAM2Error.noSuchFrame(-1, count: nil)) { try live.prompt(object: 1, points: disc) }
  }

  @Test func refusesAnImageOfAnotherSize() throws {
    var live = try VideoPredictor(model).liveSession(width: 160, height: 120)
    #expect(throws: SAM2Error.wrongPicture(expected: [3, 128, 128], found: [3, 8, 8])) {
      try live.append(Tensor(repeating: 0, [3, 8, 8]))
    }
  }
}
