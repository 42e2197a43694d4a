// A run held against its recording while it is made, and sides of every kind held against each other.
import Foundation
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces

@testable import Verification

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "", inputSHA256: "", input: TraceInput(width: 1, height: 1, preprocessing: ""),
  prompts: PromptScript(multimask: false, objects: []))

/// A run of two modules, one inside the other, that predicts.
private struct Made {
  var x = one
  var inner = Tensor([2, 2], [5, 6, 7, 8])
  var outer = Tensor([2, 2], [-1, 0, 1, 2])
  var logits = Tensor([1, 1, 2, 2], [3, -3, 2, -2])

  func offer(to taps: Taps) throws {
    taps.record(path: ModulePath("m.inner"), inputs: [("x", x)], output: inner)
    taps.record(path: ModulePath("m"), inputs: [("x", x)], output: [outer, inner])
    try taps.record(.lowResLogits, logits)
  }
}

private let names: [TapID] = [
  "m.inner/0/input/x", "m.inner/0/output", "m/0/input/x", "m/0/output/0", "m/0/output/1",
  "prediction/low_res_logits",
]

/// Records a run, as a trace and as a sketch.
private func withRecordings<Result>(
  _ body: (_ trace: Recording, _ sketch: Recording) throws -> Result
) throws -> Result {
  try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(writers: [
      try TraceWriter(path: "\(folder)/t.h5", provenance: provenance),
      try SketchWriter(path: "\(folder)/s.h5", provenance: provenance),
    ])
    try Made().offer(to: taps)
    try taps.finish()
    return try body(.open(path: "\(folder)/t.h5"), .open(path: "\(folder)/s.h5"))
  }
}

/// The tensors of a run as one side of a comparison.
private func source(_ made: Made) -> HeldTensors {
  HeldTensors(Array(zip(names, [made.x, made.inner, made.x, made.outer, made.inner, made.logits])))
}

private func live(
  _ made: Made, _ reference: Recording, _ patterns: [TapPattern] = []
) throws -> Comparison {
  let comparison = LiveComparison(reference: reference, patterns: patterns, policy: .f32)
  try made.offer(to: comparison.makeTaps())
  try comparison.finish()
  return comparison.comparison
}

private let changes: [(String, Made, [TapID])] = [
  ("nothing", Made(), []),
  ("an input", Made(x: near), ["m.inner/0/input/x", "m/0/input/x"]),
  ("an inner output", Made(inner: Tensor([2, 2], [5, 6, 7, 8.5])), ["m.inner/0/output", "m/0/output/1"]),
  // The same memory as the input's, which agrees.
  ("an input handed on", Made(inner: one), ["m.inner/0/output", "m/0/output/1"]),
  ("NaN", Made(outer: Tensor([2, 2], [-1, 0, .nan, 2])), ["m/0/output/0"]),
  ("an infinity's sign", Made(outer: Tensor([2, 2], [-1, 0, -.infinity, 2])), ["m/0/output/0"]),
  ("a shape", Made(outer: Tensor([4], [-1, 0, 1, 2])), ["m/0/output/0"]),
  ("a shape of as many axes", Made(outer: Tensor([1, 4], [-1, 0, 1, 2])), ["m/0/output/0"]),
  ("logits", Made(logits: Tensor([1, 1, 2, 2], [3, -3, 2, 2])), ["prediction/low_res_logits"]),
]

/// One engine: whatever the sides are, the same taps fail, and the same numbers say so where both have elements.
@Test(arguments: changes.indices) func everyMixOfSidesFindsTheSame(_ index: Int) throws {
  let (words, made, failing) = changes[index]
  try withRecordings { trace, sketch in
    let (expected, found) = (source(Made()), source(made))
    let whole = try compared(trace.source, found)
    #expect(whole.failures.map(\.id) == failing, "\(words)")
    #expect(whole.arrays.map(\.id) == names && whole.extra.isEmpty)
    #expect(whole.passes == failing.isEmpty)
    #expect(try "\(compared(expected, found))" == "\(whole)")
    #expect(try "\(live(made, trace))" == "\(whole)")
    let sketched = try compared(sketch.source, found)
    #expect(sketched.failures.map(\.id) == failing && sketched.isOfSketches == (failing.count < names.count))
    #expect(try "\(live(made, sketch))" == "\(sketched)")
    #expect(try compared(found, sketch.source).failures.map(\.id) == failing)
    #expect(whole.arrays.last?.metrics?.masks?.flipped == (words == "logits" ? 1 : 0))
    #expect(sketched.arrays.last?.metrics?.masks == nil)
  }
}

@Test func whatARunDoesNotOfferIsMissingAndWhatItOffersBesidesIsExtra() throws {
  try withRecordings { trace, _ in
    let comparison = LiveComparison(reference: trace, policy: .f32)
    let taps = comparison.makeTaps()
    taps.record(path: ModulePath("m"), inputs: [("x", one), ("y", one)], output: [Made().outer])
    taps.record(path: ModulePath("m"), inputs: [("x", near)], output: [one])
    taps.record(path: ModulePath("unknown"), inputs: [("x", one)], output: one)
    try taps.record(.iou, one)
    let found = comparison.comparison
    #expect(found.failures.map(\.id) == [names[0], names[1], names[4], names[5]])
    #expect(found.failures.allSatisfy { $0.outcome == .missing })
    // A second call, a module and a prediction that weren't recorded are nothing to compare.
    #expect(found.extra == ["m/0/input/y"])
    #expect(!comparison.wants(CallID(ModulePath("m"), 1)) && comparison.wants(CallID(ModulePath("m"), 0)))
    #expect(comparison.wants(ModulePath("m.inner")) && !comparison.wants(ModulePath("m.inner.deeper")))
    #expect(comparison.expects("prediction/low_res_logits") && !comparison.expects("prediction/iou"))
  }
}

@Test func patternsLeaveOutWithoutMissing() throws {
  try withRecordings { trace, _ in
    let found = try live(Made(inner: near), trace, [TapPattern("m.inner")])
    #expect(found.arrays.map(\.id) == [names[0], names[1]] && found.failures.map(\.id) == [names[1]])
    #expect(found.extra.isEmpty)
  }
}

@Test func whatRanAsAWholeIsFusedOnceThatIsSaid() throws {
  try withRecordings { trace, _ in
    let comparison = LiveComparison(reference: trace, policy: .f32)
    let taps = comparison.makeTaps(keepsWholes: true)
    #expect(!taps.looksInside(ModulePath("m"), [ModulePath("m.inner")]))
    taps.record(path: ModulePath("m"), inputs: [("x", one)], output: [Made().outer, Made().inner])
    try taps.record(.lowResLogits, Made().logits)
    #expect(comparison.comparison.failures.map(\.id) == [names[0], names[1]])
    comparison.take(wholes: taps.wholes)
    #expect(comparison.comparison.passes && comparison.comparison.fusedCount == 2)
    // Without being told to keep wholes, it looks inside what was recorded inside.
    let parts = LiveComparison(reference: trace, policy: .f32).makeTaps()
    #expect(parts.looksInside(ModulePath("m"), [ModulePath("m.inner")]))
    #expect(!parts.looksInside(ModulePath("m.inner"), [ModulePath("m.inner.deeper")]))
  }
}

@Test func whatAModuleMakesAloneStandsBesideWhatItMakesInTheRun() throws {
  try withRecordings { trace, _ in
    let comparison = LiveComparison(reference: trace, policy: .f32, isolates: true)
    try Made(inner: near).offer(to: comparison.makeTaps())
    let call = CallID(ModulePath("m.inner"), 0)
    let made = Made().inner.mapped { $0 * 1.5 }
    #expect(comparison.inputs(of: call)?.shape("input/x") == [2, 2])
    comparison.take(isolated: made, of: call)
    comparison.take(isolated: [("x", one)], of: call, in: ModulePath("m"))
    let found = comparison.comparison
    // The run: 1 to 4.5 instead of 5 to 8. Alone: half of 5 to 8, of which 4 is the most.
    #expect(found.arrays[1].metrics?.maxAbsError == 4 && found.arrays[1].isolated?.maxAbsError == 4)
    #expect(found.arrays[1].metrics?.meanAbsError == 3.875 && found.arrays[1].isolated?.meanAbsError == 3.25)
    #expect(found.arrays[0].metrics?.maxAbsError == 0 && found.arrays[0].isolated?.maxAbsError == 0)
    #expect(found.arrays[2].isolated == nil && found.arrays[3].isolated == nil)
    #expect(!found.arrays[1].passesIsolated(.f32) && found.arrays[0].passesIsolated(.f32))
    // Without isolation nothing is run again.
    #expect(LiveComparison(reference: trace, policy: .f32).makeTaps().isolator == nil)
  }
}

/// The run itself agrees; alone the module makes twice of what it should.
@Test func causesAreLookedForInWhatAModuleMakesAlone() throws {
  try TestFiles.withTemporaryFolder { folder in
    var noise = Noise(11)
    let (x, y) = (noise.tensor([4, 32]), noise.tensor([4, 32]))
    let taps = Taps(writer: try TraceWriter(path: "\(folder)/t.h5", provenance: provenance))
    taps.record(path: ModulePath("m"), inputs: [("x", x)], output: y)
    try taps.finish()
    let reference = try Recording.open(path: "\(folder)/t.h5")
    let comparison = LiveComparison(reference: reference, policy: .f32, isolates: true)
    comparison.makeTaps().record(path: ModulePath("m"), inputs: [("x", x)], output: y)
    comparison.take(isolated: y.mapped { 2 * $0 }, of: CallID(ModulePath("m"), 0))
    try comparison.finish()
    let found = try #require(comparison.divergence)
    #expect(found.tap == "m/0/output" && found.origin.isIsolated && found.origin.relativeError == 1)
    #expect(found.hints.map(\.cause) == [.constantFactor])
  }
}

/// Whoever runs a module alone isn't told: the recording was cut short meanwhile.
@Test func whatKeepsARecordingFromBeingReadComesOutAtTheEnd() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/t.h5"
    let x = Tensor(repeating: 1, [8192])
    let taps = Taps(writer: try TraceWriter(path: path, provenance: provenance))
    taps.record(path: ModulePath("m"), inputs: [("x", x)], output: x)
    try taps.finish()
    let reference = try Recording.open(path: path)
    let comparison = LiveComparison(reference: reference, policy: .f32, isolates: true)
    try #require(truncate(path, 8192) == 0)
    comparison.take(isolated: x, of: CallID(ModulePath("m"), 0))
    #expect(throws: (any Error).self) { try comparison.finish() }
  }
}

@Test func eachTapIsHeldToItsOwnTolerance() throws {
  let policy = TolerancePolicy(
    name: "p", defaults: TolerancePolicy.f32.defaults,
    rules: [ToleranceRule(taps: "a/0/output", Tolerance(limits: [.relative: 0.2]))])
  let both = held([("a/0/output", one), ("b/0/output", one)])
  let off = held([("a/0/output", near), ("b/0/output", near)])
  #expect(try compared(both, off, policy: policy).failures.map(\.id) == ["b/0/output"])
  let swapped = held([("b/0/output", near), ("a/0/output", near)])
  #expect(try compared(both, swapped, policy: policy).failures.map(\.id) == ["b/0/output"])
}

@Test func aRuleOfAnotherPrecisionIsLeftAside() throws {
  let policy = TolerancePolicy(
    name: "p", defaults: TolerancePolicy.f32.defaults,
    rules: [ToleranceRule(taps: "*", precisions: ["bf16"], Tolerance(limits: [.relative: 0.2]))])
  func verdict(_ precision: String) throws -> Verdict {
    try Verdict(
      reference: held([("a", one)]),
      candidate: HeldTensors(
        [("a", near)], side: .init(path: "b", provenance: nil, statedPrecision: precision)),
      policy: policy)
  }
  #expect(try verdict("bf16").comparison.passes && !verdict("float32").comparison.passes)
}

@Test func sketchesOfDifferentKindsAreRefused() throws {
  struct Other: TapSource {
    let sketch: SketchReader
    var side: Verdict.Side { sketch.side }
    var arrays: [SourceArray] { sketch.arrays }
    var sketching: Sketching? { Sketching(seed: 9) }
    func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {}
    func sketch(of array: SourceArray, _ sketching: Sketching) throws -> Sketch {
      Sketch(of: one, sketching)
    }
  }
  try withRecordings { _, sketch in
    guard case .sketch(let reader) = sketch else { return }
    #expect(throws: TraceError.self) { try compared(Other(sketch: reader), reader) }
  }
}
