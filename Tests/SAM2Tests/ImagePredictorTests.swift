import Kernels
import Prompts
import SAM2
import Taps
import Tensors
import Testing
import TestSupport
import Traces

private let click = Prompt(points: [.init(x: 104, y: 132), .init(x: 214, y: 70, isObject: false)])
private let box = Prompt(box: .init(x0: 168, y0: 34, x1: 282, y1: 156))

@Suite struct ImagePredictorTests {
  let model: RecordedModel

  init() throws { model = try RecordedModel.micro() }

  @Test func recordingChangesNoBit() throws {
    let plain = try model.predictor.predict([click], in: model.embed(), multimask: false)
    let recorded = try TestFiles.withTemporaryFolder { folder in
      let writer = try TraceWriter(path: "\(folder)/t.h5", provenance: .forTests)
      let run = Run(taps: Taps(writer: writer))
      let prediction = try model.predictor.predict([click], in: model.embed(run), multimask: false, run)
      try run.taps?.finish()
      return prediction
    }
    #expect(plain.lowResLogits.bits == recorded.lowResLogits.bits)
    #expect(plain.iou.bits == recorded.iou.bits)
    #expect(plain.objectScore.bits == recorded.objectScore.bits)
  }

  @Test func everyRunAndThreadCountGivesTheSameBits() throws {
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    let runs = try [1, 2, 3, 2].map { threads in
      Parallelism.threads = threads
      return try model.predictor.predict([click], in: model.embed(), multimask: true).lowResLogits.bits
    }
    #expect(Set(runs).count == 1)
  }

  @Test func oneEmbeddingServesManyPrompts() throws {
    let embedding = try model.embed()
    let first = try model.predictor.predict([click], in: embedding, multimask: false)
    _ = try model.predictor.predict([box], in: embedding, multimask: true)
    let again = try model.predictor.predict([click], in: embedding, multimask: false)
    #expect(first.lowResLogits.bits == again.lowResLogits.bits)
  }

  @Test func aBatchPredictsAsItsPromptsDoAlone() throws {
    let embedding = try model.embed()
    let batch = try model.predictor.predict([click, box], in: embedding, multimask: true)
    for (index, prompt) in [click, box].enumerated() {
      let alone = try model.predictor.predict([prompt], in: embedding, multimask: true)
      let difference = zip(batch.lowResLogits[index].elements, alone.lowResLogits.elements).map { abs($0 - $1) }
      // Logits reach 32; other matrix sizes may add in another order.
      #expect((difference.max() ?? 1) < 1e-3)
      #expect(batch.iou[index].count == 3)
    }
  }

  @Test func anEarlierPredictionsLogitsAreAPrompt() throws {
    let embedding = try model.embed()
    let first = try model.predictor.predict([click], in: embedding, multimask: false)
    var refined = click
    refined.maskLogits = first.lowResLogits[0]
    let second = try model.predictor.predict([refined], in: embedding, multimask: false)
    #expect(second.lowResLogits.bits != first.lowResLogits.bits)
  }

  @Test func masksHaveThePicturesSize() throws {
    let prediction = try model.predictor.predict([click], in: model.embed(), multimask: true)
    #expect(prediction.lowResLogits.shape == [1, 3, 32, 32])
    #expect(prediction.maskLogits(object: 0, mask: 2).shape == [240, 320])
    #expect(prediction.lowResLogits.elements.allSatisfy { abs($0) <= 32 })
  }

  @Test(
    arguments: [
      (Prompt(points: [.init(x: 321, y: 5)]), SAM2Error.pointOutside(x: 321, y: 5, width: 320, height: 240)),
      (
        Prompt(points: Array(repeating: .init(x: 5, y: 5), count: 10_001)),
        .outOfRange(name: "points of an object", expected: "at most 10000", found: "10001")
      ),
      (Prompt(points: [.init(x: 5, y: -1)]), .pointOutside(x: 5, y: -1, width: 320, height: 240)),
      (Prompt(points: [.init(x: .nan, y: 1)]), nil),
      (Prompt(box: .init(x0: 50, y0: 10, x1: 40, y1: 20)), .emptyBox([50, 10, 40, 20])),
      (Prompt(box: .init(x0: 50, y0: 10, x1: 60, y1: 10)), .emptyBox([50, 10, 60, 10])),
      (
        Prompt(box: .init(x0: 50, y0: 10, x1: 60, y1: 241)),
        .boxOutside([50, 10, 60, 241], width: 320, height: 240)
      ),
      (Prompt(), .emptyPrompt),
      (
        Prompt(maskLogits: Tensor(repeating: 0, [1, 4, 4])),
        .wrongMask(expected: [1, 32, 32], found: [1, 4, 4])
      ),
    ] as [(Prompt, SAM2Error?)])
  func refusesPromptsThatCanNotBeMeant(prompt: Prompt, expected: SAM2Error?) throws {
    let error = #expect(throws: SAM2Error.self) { try model.predictor.check([prompt], width: 320, height: 240) }
    if let expected { #expect(error == expected) }
  }

  @Test func refusesNoPromptsAtAll() throws {
    let embedding = try model.embed()
    let error = #expect(throws: SAM2Error.noPrompts) {
      try model.predictor.predict([], in: embedding, multimask: false)
    }
    #expect(error.map { "\($0)" } == "expected a prompt for at least one object, found no prompts")
  }

  @Test func refusesABatchOfUnlikePrompts() throws {
    let embedding = try model.embed()
    #expect(throws: SAM2Error.unevenBatch("found 1, 2 points and corners")) {
      try model.predictor.predict([Prompt(points: [.init(x: 1, y: 1)]), box], in: embedding, multimask: false)
    }
    let masked = Prompt(box: box.box, maskLogits: Tensor(repeating: 0, [1, 32, 32]))
    #expect(throws: SAM2Error.unevenBatch("1 of 2 have a mask")) {
      try model.predictor.predict([box, masked], in: embedding, multimask: false)
    }
  }

  @Test func refusesAPictureOfAnotherSize() throws {
    #expect(throws: SAM2Error.wrongPicture(expected: [3, 128, 128], found: [3, 8, 8])) {
      try model.predictor.embed(Tensor(repeating: 0, [3, 8, 8]), width: 8, height: 8)
    }
  }
}

extension Tensor {
  /// Every element's bits, so that NaN and the sign of zero count.
  var bits: [UInt32] { elements.map(\.bitPattern) }
}

extension Provenance {
  static var forTests: Provenance {
    Provenance(
      producer: "test", producerVersion: "0", backend: "openblas", backendVersion: "0", threads: 1,
      checkpointSHA256: "", inputSHA256: "",
      input: TraceInput(width: 320, height: 240, preprocessing: "SAM2Transforms"),
      prompts: PromptScript(multimask: false, objects: []))
  }
}
