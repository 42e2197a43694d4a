// Each part of what sketches say, alone: figures by hand out of a sketch of 3, −4, 0 and 0, whose norm is 5.
import Prompts
import Tensors
import Testing
import Traces

@testable import Verification

@Suite struct SketchPartsTests {
  private let sketch = Sketch(of: Tensor([2, 2], [3, -4, 0, 0]))

  private func metrics(_ change: (inout Sketch) -> Void) -> ErrorMetrics {
    var changed = sketch
    change(&changed)
    return ErrorMetrics(sketch, changed, shape: [2, 2], seed: SketchSchema.seed)
  }

  @Test func everyPartCountsByItself() throws {
    let cases: [(String, KeyPath<SketchErrors, Double>, Double, (inout Sketch) -> Void)] = [
      ("norm", \.norm, 0.1, { $0.norm = 5.5 }), ("smaller norm", \.norm, 0.2, { $0.norm = 4 }),
      // The elements' root mean square is 2.5, the largest magnitude 4.
      ("mean", \.moments, 0.2, { $0.mean += 0.5 }), ("deviation", \.moments, 0.1, { $0.deviation -= 0.25 }),
      ("least", \.moments, 0.25, { $0.least = -3 }), ("largest", \.moments, 0.5, { $0.largest = 5 }),
      // The root of the mean square of eight errors, by the norm.
      ("projections", \.projections, 0.1, { $0.projections = $0.projections.map { $0 + 0.5 } }),
      ("a projection", \.projections, 1 / 5, { $0.projections[7] += 8.0.squareRoot() }),
      ("sample", \.samples, 0.1, { $0.samples[1] += 0.4 }),
    ]
    let parts: [KeyPath<SketchErrors, Double>] = [\.norm, \.moments, \.projections, \.samples]
    for (name, part, expected, change) in cases {
      let found = metrics(change)
      let errors = try #require(found.sketch)
      for other in parts {
        #expect(abs(errors[keyPath: other] - (other == part ? expected : 0)) < 1e-7, "\(name): \(errors)")
      }
      #expect(abs(errors.largest - expected) < 1e-7 && found.relativeError == errors.largest, "\(name)")
      #expect(found.nonFiniteMismatches == 0)
    }
    #expect(metrics { _ in }.relativeError == 0)
    #expect(metrics { $0.samples[1] += 0.4 }.worst?.index == [0, 1])
    #expect(metrics { $0.samples[2] += 0.4 }.worst?.index == [1, 0])
  }

  @Test func numbersThatAreNoneAreCountedApart() {
    #expect(metrics { $0.nan = 2 }.nonFiniteMismatches == 2)
    #expect(metrics { $0.infinite = 3 }.nonFiniteMismatches == 3)
    // As many, but of another kind.
    var (one, other) = (sketch, sketch)
    (one.nan, other.infinite) = (2, 2)
    #expect(ErrorMetrics(one, other, shape: [2, 2], seed: SketchSchema.seed).nonFiniteMismatches == 4)
    // What is no number in a part is no agreement.
    #expect(metrics { $0.mean = .nan }.relativeError.isNaN)
    #expect(metrics { $0.projections[3] = .nan }.relativeError.isNaN)
    #expect(!Tolerance(limits: [.relative: 1]).breaches(metrics { $0.mean = .nan }).isEmpty)
  }

  @Test func onlyZerosAreZero() {
    func isZero(_ elements: [Float]) -> Bool {
      let sketch = Sketch(of: Tensor([elements.count], elements))
      return ErrorMetrics(sketch, sketch, shape: [elements.count], seed: SketchSchema.seed).isZero
    }
    #expect(isZero([0, -0.0]))
    #expect(!isZero([0, 1]) && !isZero([0, .nan]) && !isZero([]))
  }

  /// 10 · log₁₀(25 / 0.25) of an error whose square is 0.25, and the cosine (25 + 25 − 0.25) / 50.
  @Test func ratiosComeFromTheProjections() {
    let found = metrics { $0.projections = $0.projections.map { $0 + 0.5 } }
    #expect(abs(found.sqnrDecibels - 20) < 1e-9 && abs(found.cosineSimilarity - 0.995) < 1e-12)
    #expect(metrics { _ in }.sqnrDecibels == .infinity)
    #expect(found.count == 4 && found.referenceMagnitude == 4)
  }
}

@Suite struct WorstMaskTests {
  private func square(at corner: Int) -> [Float] {
    (0..<1600).map { 0..<8 ~= $0 / 40 - corner && 0..<8 ~= $0 % 40 - corner ? 2 : -2 }
  }

  /// The worst mask counts wherever it stands: 8 × 8 squares a pixel apart diagonally share 49 of 79, far ones nothing.
  @Test func theWorstMaskCountsWhereverItStands() throws {
    for order in [[11, 25], [25, 11]] {
      let reference = Tensor([2, 40, 40], square(at: 10) + square(at: 10))
      let candidate = Tensor([2, 40, 40], square(at: order[0]) + square(at: order[1]))
      let found = try #require(ErrorMetrics(reference, candidate, isMask: true).masks)
      #expect(found.iou == 0 && found.boundaryF == 0)
    }
    let alone = try #require(
      ErrorMetrics(Tensor([1, 40, 40], square(at: 10)), Tensor([1, 40, 40], square(at: 11)), isMask: true).masks
    )
    #expect(alone.iou == 49.0 / 79)
  }
}

@Suite struct CalibratedNoiseTests {
  /// Reference 1 and ½, off by e: the SQNR is 10 · log₁₀(1.25 / e²), 40.97 dB of 0.01 and 34.95 dB of 0.02; four times
  /// the error are 12.04 dB less.
  @Test func noiseMayGrowByTheMargin() throws {
    func limit(_ errors: [(String, Float)], margin: Double) throws -> Double? {
      let reference = errors.map { ($0.0, Tensor([2], [1, 0.5])) }
      let candidate = errors.map { ($0.0, Tensor([2], [1, 0.5 + $0.1])) }
      let report = ComparisonReport(try tracesInMemory(reference, candidate))
      return try PolicyCalibration([report], margin: margin, name: "n").policy.defaults.limits[.sqnrDecibels]
    }
    #expect(try limit([("a", 0.01)], margin: 4) == 28)
    #expect(try limit([("a", 0.01)], margin: 1) == 40)
    #expect(try limit([("a", 0.01), ("b", 0.02)], margin: 4) == 22)
  }
}

@Suite struct AgreementDetailTests {
  private func differs(_ one: TraceInput, _ other: TraceInput) throws -> Bool {
    func provenance(_ input: TraceInput) -> Provenance {
      Provenance(
        producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
        checkpointSHA256: "c", inputSHA256: "f", input: input, prompts: .init(multimask: false, objects: []))
    }
    return try Agreement(provenance(one), provenance(other)).contradictions.map(\.attribute) == ["input"]
  }

  @Test func everyPartOfAnInputIsHeldAgainstTheOthers() throws {
    func video(_ width: Int = 4, _ height: Int = 3, frames: Int? = 5, _ preprocessing: String = "p")
      -> TraceInput
    {
      TraceInput(kind: "video", width: width, height: height, frames: frames, preprocessing: preprocessing)
    }
    #expect(try !differs(video(), video()))
    for other in [video(5), video(4, 4), video(frames: 6), video(4, 3, frames: 5, "q")] {
      #expect(try differs(video(), other), "\(other)")
    }
    // What one doesn't say is no contradiction.
    #expect(try !differs(video(frames: nil), video()) && !differs(video(4, 3, frames: 5, ""), video()))
    #expect(
      try differs(video(), TraceInput(kind: "picture", width: 4, height: 3, frames: 5, preprocessing: "p")))
  }
}
