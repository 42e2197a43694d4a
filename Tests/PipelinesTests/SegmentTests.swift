import Architecture
import Files
import Foundation
import Masks
import Media
import Pipelines
import Prompts
import SAM2
import Tensors
import Testing
import TestSupport
import Traces

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")

/// The model at the size that the recordings have.
func recordedModel() throws -> Model {
  var request = ModelRequest(path: micro)
  request.configuration = TestFiles.package("Reference/micro.yaml")
  request.backend = .openblas
  return try Model(request)
}

@Suite struct SegmentTests {
  /// The prompts of `Reference/micro.prompts.json`.
  private func script(multimask: Bool = false) throws -> PromptScript {
    let path = TestFiles.package("Reference/micro.prompts.json")
    var script = try PromptScript(json: MappedFile.contents(of: path), path: path, of: .picture)
    script.multimask = multimask
    return script
  }

  /// PyTorch's own numbers for the same picture, prompts and model.
  @Test func scoresAreThoseOfTheRecording() throws {
    let found = try recordedModel().segment(PictureInput(path: picture), SegmentRequest(script()))
    let recording = try TraceReader(path: TestFiles.package("Reference/micro.h5"))
    let iou = try recording.tensor(recording.tap("prediction/iou")).elements
    let presence = try recording.tensor(recording.tap("prediction/object_score")).elements
    #expect(found.masks.map(\.object) == [1, 2, 3])
    for (mask, (iou, presence)) in zip(found.masks, zip(iou, presence)) {
      #expect(abs(mask.predictedIoU - iou) < 1e-4)
      #expect(abs(mask.objectScore - presence) < 1e-3)
      #expect((mask.mask.width, mask.mask.height) == (320, 240))
    }
  }

  @Test func ofThreeMasksTheBestIsDrawn() throws {
    let found = try recordedModel().segment(
      PictureInput(path: picture), SegmentRequest(script(multimask: true)))
    #expect(found.masks.count == 9)
    #expect(found.masks.prefix(3).map(\.alternative) == [0, 1, 2])
    let scores = found.masks.filter { $0.object == 2 }.map(\.predictedIoU)
    #expect(found.best(of: 2)?.predictedIoU == scores.max())
    #expect(try found.overlay()?.width == 320)
  }

  @Test func aRecordingSaysWhatComputed() throws {
    try TestFiles.withTemporaryFolder { folder in
      var request = SegmentRequest(try script())
      request.recording = RecordingRequest(trace: "\(folder)/t.h5", sketch: "\(folder)/s.h5")
      request.recording.taps = ["sam_mask_decoder", "nobody"]
      let model = try recordedModel()
      #expect(throws: RecordingError.noModule("nobody")) {
        try model.segment(PictureInput(path: picture), request)
      }
      request.recording.taps = ["sam_mask_decoder"]
      _ = try model.segment(PictureInput(path: picture), request)
      for name in ["t", "s"] {
        let provenance = try Recording.open(path: "\(folder)/\(name).h5").provenance
        #expect(provenance.backend == "openblas" && provenance.precision == "f32")
        #expect(provenance.prompts == request.prompts)
        #expect(provenance.configuration == model.configuration.json)
        #expect(provenance.checkpointSHA256 == (try SHA256.hex(ofFile: micro)))
      }
    }
  }

  @Test func cancellingEndsBeforeTheNextObjectAndWritesNothing() throws {
    var asked = 0
    #expect(throws: CancellationError.self) {
      try recordedModel().segment(PictureInput(path: picture), SegmentRequest(script())) { _ in
      } isCancelled: {
        asked += 1
        return asked == 2
      }
    }
    #expect(asked == 2)
  }

  @Test func aCancelledTaskCancels() async throws {
    let model = try recordedModel()
    let request = SegmentRequest(try script())
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try model.segment(PictureInput(path: picture), request)
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  /// Also where there is no such folder.
  @Test func promptsMasksLieInTheirFolder() {
    let script = PromptScript(objects: [ObjectPrompt(object: 1, mask: "m.png")])
    #expect(Set(script.masks(from: "/nowhere/here")) == ["/nowhere/here/m.png"])
  }

  @Test func whoeverWatchesIsToldWhatIsEmbedded() throws {
    var steps: [String] = []
    _ = try recordedModel().encode(PictureInput(path: picture)) { event in
      if case .step(let text) = event { steps.append(text) }
    }
    #expect(steps == ["embedding 320 × 240 pixels"])
  }

  @Test func promptsOutsideThePictureAreRefusedBeforeARecordingBegins() throws {
    try TestFiles.withTemporaryFolder { folder in
      var request = SegmentRequest(PromptScript(objects: [ObjectPrompt(points: [Click(x: 321, y: 1)])]))
      request.recording.trace = "\(folder)/t.h5"
      let model = try recordedModel()
      #expect(throws: SAM2Error.pointOutside(x: 321, y: 1, width: 320, height: 240)) {
        try model.segment(PictureInput(path: picture), request)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}
