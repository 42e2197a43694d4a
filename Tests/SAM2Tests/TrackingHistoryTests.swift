// What a session remembers far back: what it refuses without, and corrections there; and the IoU that it tells.
import Architecture
import Checkpoints
import OpenBLASBackend
import Prompts
import Tensors
import Testing
import TestSupport
import Traces
import Verification

@testable import SAM2

@Suite struct TrackingHistoryTests {
  private let model: SAM2Base
  private let frames: ClipFrames

  init() throws {
    model = try RecordedVideo.micro("clicks").model
    frames = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
  }

  private func session(_ history: VideoHistory = .everything) throws -> VideoSession {
    try VideoPredictor(model).session(frames, width: 160, height: 120, history: history)
  }

  /// A frame attends to six memories before it and to fifteen pointers: `range(1, max_obj_ptrs_in_encoder)` of 16.
  @Test(arguments: [(3, 9, true), (3, 10, true), (3, 18, true), (3, 19, false), (9, 10, true), (3, 3, false)])
  func aFrameIsRefusedWhereAMemoryOrAPointerIsGone(lost: Int, asked: Int, isRefused: Bool) throws {
    var session = try session(.window)
    try session.prompt(object: 1, frame: 0, points: [Click(x: 44, y: 84)])
    try session.propagate { _ in }
    session.objects[0].bank.tracked.forget { $0 != lost }
    #expect(session.objects[0].bank.tracked.forgotten.runs == [lost...lost])
    func ask() throws { try session.propagate(from: asked, frames: 0) { _ in } }
    if isRefused {
      #expect(throws: SAM2Error.forgotten(object: 1, frame: asked, needs: lost)) { try ask() }
    } else {
      #expect(throws: Never.self) { try ask() }
    }
  }

  /// Backwards it is the frames ahead.
  @Test(arguments: [(10, 9, true), (20, 5, true), (20, 4, false), (4, 5, false)])
  func backwardsWhatLiesAheadIsNeeded(lost: Int, asked: Int, isRefused: Bool) throws {
    var session = try session(.window)
    try session.prompt(object: 1, frame: 0, points: [Click(x: 44, y: 84)])
    try session.propagate { _ in }
    session.objects[0].bank.tracked.forget { $0 != lost }
    func ask() throws { try session.propagate(from: asked, frames: 0, isReverse: true) { _ in } }
    if isRefused {
      #expect(throws: SAM2Error.forgotten(object: 1, frame: asked, needs: lost)) { try ask() }
    } else {
      #expect(throws: Never.self) { try ask() }
    }
  }

  /// With four pointers the fourth frame back is the last that counts beside the six memories.
  @Test(arguments: [(3, 12, false), (3, 9, true), (3, 10, false)])
  func onlyAsManyPointersAreMissedAsAreAttendedTo(lost: Int, asked: Int, isRefused: Bool) throws {
    var few = model.configuration
    few.maxObjPtrsInEncoder = 4
    let other = try SAM2Base(
      few, weights: Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt")),
      backend: OpenBLASBackend())
    var session = try VideoPredictor(other).session(frames, width: 160, height: 120, history: .window)
    try session.prompt(object: 1, frame: 0, points: [Click(x: 44, y: 84)])
    try session.propagate(frames: 12) { _ in }
    session.objects[0].bank.tracked.forget { $0 != lost }
    let moment = Moment(frame: asked, isReverse: false, frameCount: 24)
    var refusal: SAM2Error?
    do { try session.requireHistory(of: session.objects[0], at: moment) } catch { refusal = error }
    #expect(refusal == (isRefused ? .forgotten(object: 1, frame: asked, needs: lost) : nil))
  }

  /// The whole clip tracked, then corrections at frames 3 and 15; recorded from the official predictor.
  @Test(arguments: [VideoHistory.everything, .window]) func aCorrectionFarBackIsAsInPyTorch(
    history: VideoHistory
  ) throws {
    let recording = try RecordedVideo.micro("far")
    let comparison = try recording.compare(history: history, tolerance: RecordedVideo.rounding)
    #expect(comparison.passes, "\(comparison.failures.prefix(3).map { "\($0)" })")
    #expect(comparison.arrays.count == recording.reader.taps.count && comparison.arrays.count > 60)
  }

  /// The recorded decoder's IoU of object 2 on frame 6, where two clicks choose no alternative, and the single mask's
  /// stands first.
  @Test func thePredictedIoUIsTheDecoders() throws {
    let recording = try RecordedVideo.micro("refined")
    let ious = try recording.reader.taps.filter {
      $0.module?.name == "sam_mask_decoder" && $0.name.hasSuffix("/output/1")
    }.map { try recording.reader.tensor($0).elements }
    #expect(!ious.isEmpty)
    var found: [Float] = []
    _ = try recording.compare { masks, _ in
      guard masks.frame == 6 else { return }
      found += masks.objects.filter { $0.id == 2 }.compactMap(\.predictedIoU)
    }
    for iou in ious {
      let best = iou.max() ?? -1
      #expect(found.contains { abs($0 - best) < 1e-4 }, "\(iou) \(found)")
    }
  }

  /// One click has three masks: the one of the highest predicted IoU is taken, with its IoU and its token. Held against
  /// the picture predictor, which the recordings of pictures are of.
  @Test(arguments: [(44.0, 84.0), (62, 38), (136, 40), (120, 100)])
  func ofThreeMasksTheBestIsTakenWithItsIoU(x: Double, y: Double) throws {
    var session = try session()
    let shown = try session.prompt(object: 1, frame: 0, points: [Click(x: x, y: y)]).objects[0]
    let size = model.configuration.imageSize
    let picture = ImagePredictor(model)
    let embedding = try picture.embed(frames.frame(0, size: size), width: 160, height: 120)
    let prediction = try picture.predict(
      [Prompt(points: [Click(x: x, y: y)])], in: embedding, multimask: true)
    let ious = prediction.iou.elements
    let best = try #require(ious.indices.max { ious[$0] < ious[$1] })
    #expect(shown.predictedIoU == ious[best])
    let expected = prediction.logits[0][best].elements
    // The video predictor's masks are resized and no more.
    #expect(shown.lowResLogits.elements == expected)
  }
}
