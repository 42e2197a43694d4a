import Architecture
import Configurations
import Foundation
import Masks
import Media
import Pipelines
import Prompts
import Testing
import TestSupport
import Verification

private let clip = TestFiles.package("Reference/clips/shapes")
private let disc = ObjectPrompt(object: 1, points: [Click(x: 44, y: 84)])

private func contents(of folder: String) throws -> [String: Data] {
  let names = try FileManager.default.contentsOfDirectory(atPath: folder)
  return try Dictionary(
    uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) })
}

@Suite struct TrackingTests {
  @Test func whatIsVisitedIsWhatIsWritten() throws {
    try TestFiles.withTemporaryFolder { folder in
      let model = try recordedModel()
      var request = TrackRequest(video: clip, prompts: PromptScript(objects: [disc]), output: folder)
      request.overlay = "\(folder)/overlay.mp4"
      var frames: [Int: TrackedFrame] = [:]
      var progress: [FrameProgress] = []
      let result = try model.track(request) { event in
        if case .progress(let step) = event, case .tracking = step.stage { progress.append(step) }
      } visit: {
        frames[$0.frame] = $0
      }
      #expect(result.frameCount == 24 && frames.count == 24)
      #expect(progress.map(\.frame) == Array(0..<24))
      #expect(progress.map(\.done) == Array(1...24))
      #expect(progress.allSatisfy { $0.total == 24 })
      #expect(result.damage.isEmpty)
      for (index, frame) in frames {
        let written = try LabelMap.read(path: "\(folder)/\(String(format: "%05d", index)).png")
        #expect(written.mask(of: 1) == frame.objects.first?.mask, "frame \(index)")
      }
      #expect(try openFrameSource(path: request.overlay ?? "").count == 24)
      // Without a folder the same masks come.
      var seen: [Int: BinaryMask] = [:]
      try model.track(video: clip, objects: [disc]) { seen[$0.frame] = $0.objects.first?.mask }
      #expect(seen == frames.compactMapValues { $0.objects.first?.mask })
    }
  }

  @Test func aCancelledRunGoesOnToTheSameBytes() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
      let model = try recordedModel()
      var request = TrackRequest(video: clip, prompts: PromptScript(objects: [disc]), output: whole)
      try model.track(request)
      request.output = cut
      var last = -1
      #expect(throws: CancellationError.self) {
        try model.track(request, isCancelled: { last == 9 }, visit: { last = $0.frame })
      }
      #expect(last == 9)
      request.resumes = true
      var first: Int?
      let result = try model.track(request, visit: { first = first ?? $0.frame })
      #expect(first == 10)
      #expect(result.frameCount == 24)
      #expect(try contents(of: cut) == contents(of: whole))
    }
  }

  @Test func aCancelledRunInMemoryEnds() throws {
    let model = try recordedModel()
    var last = -1
    #expect(throws: CancellationError.self) {
      try model.track(video: clip, objects: [disc], isCancelled: { last == 3 }) { last = $0.frame }
    }
    #expect(last == 3)
  }

  @Test func anotherModelsRunIsNotGoneOnWith() throws {
    try TestFiles.withTemporaryFolder { folder in
      var request = TrackRequest(video: clip, prompts: PromptScript(objects: [disc]), output: folder)
      var last = -1
      #expect(throws: CancellationError.self) {
        try recordedModel().track(request, isCancelled: { last == 1 }, visit: { last = $0.frame })
      }
      request.resumes = true
      let other = try Model(path: TestFiles.package("Weights/sam2.1_micro.pt"))
      #expect(throws: OtherRun.self) { try other.track(request) }
    }
  }
}

@Suite struct VerifyPipelineTests {
  @Test func theModelAgreesWithPyTorchInOneCall() throws {
    let model = ModelRequest(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    let request = VerifyRequest(model: model, reference: TestFiles.package("Reference/micro.h5"))
    let notes = Notes()
    let result = try verify(request, watch: notes.watch)
    #expect(result.comparison.comparison.passes)
    // The recording says how the model was built, so nothing beside it is looked for.
    #expect(notes.notes.isEmpty)
  }

  @Test func aRecordingOfSomethingElseIsRefusedUnlessForced() throws {
    var model = ModelRequest(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    model.configuration = TestFiles.package("Reference/micro.yaml")
    model.settings = [.init("iou_prediction_use_sigmoid=false")].compactMap { $0 }
    var request = VerifyRequest(model: model, reference: TestFiles.package("Reference/micro.h5"))
    #expect(throws: OtherRunsCompared.self) { try verify(request) }
    request.forces = true
    #expect(try !verify(request).comparison.comparison.passes)
  }
}

@Suite struct ReadmeTests {
  /// What README.md shows of the example is what the example runs.
  @Test(arguments: ["SegmentPicture", "TrackClip"]) func readmeShowsTheExample(name: String) throws {
    let readme = try String(contentsOfFile: TestFiles.package("README.md"), encoding: .utf8)
    let source = try String(
      contentsOfFile: TestFiles.package("tools/app-example/Sources/AppExample/\(name).swift"), encoding: .utf8)
    #expect(source.split(separator: "\n").count <= 22)
    #expect(readme.contains("```swift\n\(source)```"))
  }
}
