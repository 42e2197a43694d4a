import Architecture
import Checkpoints
import Kernels
import Masks
import OpenBLASBackend
import Prompts
import Synchronization
import Tensors
import Testing
import TestSupport
import Traces

@testable import SAM2

/// What a user may do, beyond what recordings of the official predictor show.
@Suite struct VideoSessionTests {
  let model: SAM2Base
  let frames: ClipFrames

  init() throws {
    model = try RecordedVideo.micro("clicks").model
    frames = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
  }

  private func session(_ history: VideoHistory = .everything) throws -> VideoSession {
    try VideoPredictor(model).session(frames, width: 160, height: 120, history: history)
  }

  private let disc = [Click(x: 44, y: 84)]
  private let card = Box(x0: 38, y0: 18, x1: 86, y1: 58)

  @Test func anyFrameCanBeCorrectedAgainAndAgain() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 20) { _ in }
    let first = try session.prompt(object: 1, frame: 3, points: [.init(x: 60, y: 30, isObject: false)])
    let second = try session.prompt(
      object: 1, frame: 3, points: [.init(x: 100, y: 90, isObject: false)], keepingPoints: true)
    #expect(first.objects[0].lowResLogits.bits != second.objects[0].lowResLogits.bits)
    var frames: [Int] = []
    try session.propagate(from: 3, frames: 2) { frames.append($0.frame) }
    #expect(frames == [3, 4, 5])
  }

  @Test func aWindowHoldsWhatCanBeSeenAndRefusesTheRest() throws {
    let long = LoopedFrames(frames, count: 60)
    var session = try VideoPredictor(model).session(long, width: 160, height: 120, history: .window)
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate { _ in }
    // 16 frames to either side of the one pointed at and of the last.
    #expect(session.objects[0].bank.tracked.outputs.keys.sorted() == Array(1...16) + Array(43...59))
    // The last frame attends to 16 frames before it, which are held; frame 30 to none that is.
    try session.prompt(object: 1, frame: 59, points: disc)
    #expect(throws: SAM2Error.forgotten(object: 1, frame: 30, needs: 29)) {
      try session.prompt(object: 1, frame: 30, points: disc)
    }
    #expect(throws: SAM2Error.forgotten(object: 1, frame: 30, needs: 29)) {
      try session.propagate(from: 30) { _ in }
    }
  }

  @Test func whatWasLetGoIsNamed() throws {
    var bank = TrackedOutputs()
    let output = FrameOutput(
      maskLogits: Tensor(repeating: 0, [1, 1, 2, 2]), objectPointer: Tensor(repeating: 0, [1, 2]),
      objectScore: Tensor(repeating: 0, [1, 1]), predictedIoU: 0, memory: nil)
    for frame in 0..<50 { bank[frame] = output }
    bank.forget { $0 >= 40 }
    #expect(bank.forgotten.runs == [0...39])
    #expect(bank.outputs.count == 10)
    bank[20] = output
    #expect(bank.forgotten.runs == [0...19, 21...39])
  }

  @Test func anObjectAddedLaterDoesNotChangeTheOthers() throws {
    func logits(addingSecond: Bool) throws -> [[UInt32]] {
      var session = try session()
      var found: [[UInt32]] = []
      try session.prompt(object: 1, frame: 0, points: disc)
      try session.propagate(frames: 3) { found.append($0.objects[0].lowResLogits.bits) }
      if addingSecond { try session.prompt(object: 2, frame: 4, box: card) }
      try session.propagate(from: 4, frames: 3) { found.append($0.objects[0].lowResLogits.bits) }
      return found
    }
    #expect(try logits(addingSecond: false) == logits(addingSecond: true))
  }

  @Test func aRemovedObjectIsGoneAndTheOthersGoOn() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.prompt(object: 7, frame: 0, box: card)
    try session.propagate(frames: 1) { _ in }
    try session.remove(object: 1)
    #expect(session.objectIDs == [7])
    try session.propagate(from: 2, frames: 0) { #expect($0.objects.map(\.id) == [7]) }
    #expect(throws: SAM2Error.noSuchObject(1, known: [7])) { try session.remove(object: 1) }
  }

  @Test func afterAResetNothingIsLeft() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    session.reset()
    #expect(session.objectIDs.isEmpty)
    #expect(throws: SAM2Error.nothingToTrack) { try session.propagate { _ in } }
  }

  @Test func anObjectWithoutPromptsIsRefused() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.prompt(object: 2, frame: 0, points: disc)
    try session.clearPrompts(object: 2, frame: 0)
    #expect(throws: SAM2Error.objectWithoutPrompts(2)) { try session.propagate { _ in } }
  }

  @Test func anUnknownObjectOnAFrameHasAnEmptyMask() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    let masks = try session.prompt(object: 2, frame: 5, box: card)
    #expect(masks.objects[0].objectScore == nil)
    #expect(masks.objects[0].lowResLogits.elements.allSatisfy { $0 == -1024 })
    #expect(masks.objects[1].objectScore != nil)
  }

  @Test func promptsThatCanNotBeMeantChangeNothing() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    let before = session.objectIDs
    #expect(throws: SAM2Error.pointOutside(x: 200, y: 5, width: 160, height: 120)) {
      try session.prompt(object: 2, frame: 0, points: [.init(x: 200, y: 5)])
    }
    #expect(throws: SAM2Error.noSuchFrame(24, count: 24)) {
      try session.prompt(object: 2, frame: 24, points: disc)
    }
    #expect(throws: SAM2Error.noSuchFrame(-1, count: 24)) {
      try session.prompt(object: 2, frame: -1, points: disc)
    }
    #expect(throws: SAM2Error.wrongMask(expected: [120, 160], found: [4, 4])) {
      try session.prompt(object: 2, frame: 0, mask: Tensor(repeating: 1, [4, 4]))
    }
    #expect(throws: SAM2Error.boxAfterPoints(object: 1, frame: 0)) {
      try session.prompt(object: 1, frame: 0, box: card, keepingPoints: true)
    }
    #expect(throws: SAM2Error.emptyPrompt) { try session.prompt(object: 2, frame: 0) }
    #expect(session.objectIDs == before)
  }

  @Test func everyFrameIsEncodedOnceForAllObjects() throws {
    let counted = CountedFrames(frames)
    var session = try VideoPredictor(model).session(counted, width: 160, height: 120)
    for object in 1...3 { try session.prompt(object: object, frame: 0, points: disc) }
    try session.propagate(frames: 5) { _ in }
    #expect(counted.asked == [0, 1, 2, 3, 4, 5])
  }

  @Test func aSnapshotGoesOnToTheSameBits() throws {
    var whole = try session(.window)
    try whole.prompt(object: 1, frame: 0, points: disc)
    try whole.prompt(object: 2, frame: 0, box: card)
    var stored: SessionSnapshot?
    var expected: [[UInt32]] = []
    try whole.perform([.propagate(.init(from: 0, frames: 9))], readMask: { _ in Tensor([0], []) }) {
      _, masks, session in
      if masks.frame == 4 { stored = try session.snapshot() }
      if masks.frame > 4 { expected += masks.objects.map(\.lowResLogits.bits) }
    }
    var resumed = try session(.window)
    try resumed.restore(try #require(stored))
    var found: [[UInt32]] = []
    try resumed.propagate(from: 5, frames: 4) { found += $0.objects.map(\.lowResLogits.bits) }
    #expect(found == expected)
    #expect(expected.count == 10)
  }

  @Test func aSnapshotHoldsPromptsThatNothingWasTrackedFromYet() throws {
    var whole = try session()
    try whole.prompt(object: 1, frame: 0, points: disc)
    try whole.propagate(frames: 2) { _ in }
    try whole.prompt(object: 1, frame: 2, points: [.init(x: 60, y: 30, isObject: false)])
    try whole.prompt(object: 2, frame: 2, box: card)
    var resumed = try session()
    try resumed.restore(whole.snapshot())
    var (expected, found): ([[UInt32]], [[UInt32]]) = ([], [])
    try whole.propagate(from: 3, frames: 1) { expected += $0.objects.map(\.lowResLogits.bits) }
    try resumed.propagate(from: 3, frames: 1) { found += $0.objects.map(\.lowResLogits.bits) }
    #expect(found == expected)
    #expect(expected.count == 4)
  }

  @Test func aMaskAndABoxInOnePromptOfAScriptAreRefused() throws {
    var session = try session()
    let prompt = ObjectPrompt(box: Box(x0: 1, y0: 2, x1: 3, y1: 4), mask: "disc.png")
    let error = #expect(throws: SAM2Error.self) {
      try session.perform([.prompt(prompt)], readMask: { _ in Tensor([0], []) }) { _, _, _ in }
    }
    guard case .malformedPrompt = error else {
      Issue.record("\(error.map { "\($0)" } ?? "nothing was thrown")")
      return
    }
    #expect(session.objectIDs == [])
  }

  @Test func aWayMayBeLongerThanTheVideo() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 2, points: disc)
    var frames: [Int] = []
    try session.propagate(from: 22, frames: .max) { frames.append($0.frame) }
    try session.propagate(from: 2, frames: .max, isReverse: true) { frames.append($0.frame) }
    try session.propagate(frames: .min, isReverse: true) { frames.append($0.frame) }
    #expect(frames == [22, 23, 2, 1, 0])
  }

  @Test func backwardsFromTheFirstFrameThatFrameAloneIsTracked() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 1, points: disc)
    var frames: [Int] = []
    try session.propagate(from: 0, isReverse: true) { frames.append($0.frame) }
    #expect(frames == [])
    try session.propagate(from: 0, frames: 0, isReverse: true) { frames.append($0.frame) }
    #expect(frames == [0])
  }

  @Test func aSnapshotWithoutATensorIsRefused() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 0) { _ in }
    var snapshot = try session.snapshot()
    snapshot.tensors["1/conditioning/0/pointer"] = nil
    #expect(throws: SAM2Error.brokenSnapshot(missing: "1/conditioning/0/pointer")) {
      try session.restore(snapshot)
    }
  }

  /// Memories around a prompt are those of the seven frames to either side, and go before anything is tracked
  /// there: of frames 1 to 5, tracked before, frame 10 leaves 1 and 2.
  @Test func memoriesAroundALaterPromptAreForgottenAtOnce() throws {
    var clearing = model.configuration
    clearing.clearNonCondMemAroundInput = true
    #expect(clearing.numMaskmem == 7 && clearing.memoryTemporalStrideForEval == 1)
    let other = try SAM2Base(
      clearing, weights: Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt")),
      backend: OpenBLASBackend())
    var session = try VideoPredictor(other).session(frames, width: 160, height: 120)
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 5) { _ in }
    #expect(session.objects[0].bank.tracked.outputs.keys.sorted() == [1, 2, 3, 4, 5])
    try session.prompt(object: 1, frame: 10, points: disc)
    try session.propagate(from: 6, frames: 0) { _ in }
    #expect(session.objects[0].bank.tracked.outputs.keys.sorted() == [1, 2, 6])
  }

  @Test func holesAreFilledWhereAsked() throws {
    var filling = model.configuration
    filling.fillHoleArea = 32 * 32
    let other = try SAM2Base(
      filling, weights: Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt")),
      backend: OpenBLASBackend())
    var session = try session()
    let bare = try session.prompt(object: 1, frame: 0, points: disc).objects[0].lowResLogits
    var filled = try VideoPredictor(other).session(frames, width: 160, height: 120)
    let whole = try filled.prompt(object: 1, frame: 0, points: disc).objects[0].lowResLogits
    #expect(whole.bits == bare.fillingHoles(area: 32 * 32).bits)
    #expect(whole.bits != bare.bits)
  }
}

/// A clip over and over.
private struct LoopedFrames: VideoFrames {
  private let frames: ClipFrames
  let count: Int?

  init(_ frames: ClipFrames, count: Int) {
    self.frames = frames
    self.count = count
  }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    try frames.frame(index % (frames.count ?? 1), size: size)
  }
}

/// Frames that note which were asked for.
private final class CountedFrames: VideoFrames {
  private let frames: ClipFrames
  private let noted = Mutex<[Int]>([])

  init(_ frames: ClipFrames) { self.frames = frames }

  var asked: [Int] { noted.withLock { $0 } }

  var count: Int? { frames.count }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    noted.withLock { $0.append(index) }
    return try frames.frame(index, size: size)
  }
}
