// Where an error begins, read out of what was compared.
import Taps
import Tensors
import Testing

@testable import Verification

/// Arrays by name: how far off each is in the run, and alone.
private func comparison(_ rows: [(String, Float, Float?)]) throws -> Comparison {
  func metrics(_ error: Float) throws -> ErrorMetrics {
    try ErrorMetrics(Tensor([2], [1, 1]), Tensor([2], [1, 1 + error]))
  }
  return Comparison(
    policy: .f32,
    arrays: try rows.map { name, error, isolated in
      ArrayComparison(
        id: TapID(name), shape: [2], outcome: .matched(try metrics(error)), isolated: try isolated.map(metrics))
    }, extra: [])
}

private func divergence(_ rows: [(String, Float, Float?)]) throws -> FirstDivergence? {
  FirstDivergence(try comparison(rows)) { _ in [] }
}

@Test func whatPassesHasNoDivergence() throws {
  #expect(try divergence([("a/0/input/x", 0, 0), ("a/0/output", 0, 0)]) == nil)
}

@Test func theModuleThatIsOffByItselfIsNamedAndOthersCarryIt() throws {
  let found = try #require(
    try divergence([
      ("a/0/input/x", 0, 0), ("a/0/output", 0, 0), ("b/0/input/x", 0, 0), ("b/0/output", 0.5, 0.5),
      ("c/0/input/x", 0.5, 0), ("c/0/output", 0.25, 0), ("d/0/input/x", 0.25, 0), ("d/0/output", 0.5, 0.125),
    ]))
  #expect(found.tap == "b/0/output")
  #expect(found.origin.kind == .module)
  #expect(found.origin.module == "b")
  #expect(found.origin.isIsolated)
  #expect(found.inputs == [.init(tap: "b/0/input/x", relativeError: 0, agrees: true)])
  #expect(found.introducing == ["b", "d"])
  #expect(found.carried == 3)
  #expect(found.worst?.index == [1])
}

@Test func whatLiesBetweenModulesIsNamedToo() throws {
  let found = try #require(
    try divergence([
      ("m.a/0/output", 0, 0), ("m.b/0/input/x", 0.5, 0.5), ("m.b/0/output", 0.5, 0), ("m/0/input/x", 0, nil),
      ("m/0/output", 0.5, 0),
    ]))
  #expect(found.origin.kind == .glue)
  #expect(found.origin.module == "m.b")
  #expect(found.origin.inside == "m")
  #expect(found.carried == 2)
}

@Test func errorsThatOnlyAddUpAreSaidToAddUp() throws {
  let found = try #require(try divergence([("a/0/output", 5e-5, 5e-5), ("b/0/output", 2e-4, 5e-5)]))
  #expect(found.tap == "b/0/output")
  #expect(found.origin.kind == .accumulation)
  #expect(found.introducing.isEmpty)
}

@Test func withoutIsolationInputsTell() throws {
  let found = try #require(
    try divergence([
      ("a/0/input/x", 0, nil), ("a/0/output", 0.5, nil), ("b/0/input/x", 0.5, nil), ("b/0/output", 0.5, nil),
    ]))
  #expect(found.origin.kind == .module)
  #expect(found.origin.module == "a")
  #expect(!found.origin.isIsolated)
  #expect(found.introducing == ["a"])
  #expect(found.carried == 2)
}

@Test func anInputThatComesFromOutsideIsLaidToTheOutermostModule() throws {
  let found = try #require(
    try divergence([
      ("encoder.trunk.proj/0/input/x", 0.5, nil), ("encoder.trunk.proj/0/output", 0.5, nil),
      ("encoder.trunk/0/input/x", 0.5, nil), ("encoder/0/input/sample", 0.5, nil),
      ("encoder/0/output", 0.5, nil),
      ("decoder/0/input/x", 0.5, nil),
    ]))
  #expect(found.origin.kind == .glue)
  #expect(found.origin.module == "encoder")
  #expect(found.carried == 5)
}

@Test func anOutputWithoutInputsTellsNothing() throws {
  let found = try #require(try divergence([("a/0/output", 0.5, nil)]))
  #expect(found.origin.kind == .unknown)
}

@Test func aModuleThatIsOffAloneFailsEvenIfItDoesNotShow() throws {
  let hidden = try comparison([("a/0/output", 0, 0.5)])
  #expect(!hidden.passes)
  #expect(FirstDivergence(hidden) { _ in [] }?.origin.module == "a")
}

@Test func causesAreTestedOnFilesToo() throws {
  var noise = Noise(11)
  let x = noise.tensor([4, 32])
  let y = noise.tensor([4, 32])
  let reference = held([("m/0/input/x", x), ("m/0/output", y)])
  let candidate = held([("m/0/input/x", x), ("m/0/output", y.mapped { 2 * $0 })])
  let comparison = try compared(reference, candidate)
  let evidence = DivergenceEvidence(reference, candidate, policy: .f32)
  let found = try #require(try FirstDivergence(comparison, hints: evidence.hints))
  #expect(found.origin.module == "m")
  #expect(found.hints.map(\.cause) == [.constantFactor])
  #expect(found.sentences.contains { $0.hasPrefix("Hint: the candidate is the reference times 2") })
}

private struct OneBias: WeightSource {
  let bias: Tensor

  var origin: String { "memory" }
  var shapes: [String: Shape] { ["m.bias": bias.shape] }

  func tensor(_ name: String) throws -> Tensor { bias }
}

/// Four rows are too few to tell a bias by what the difference repeats alone.
@Test func parametersHelpToExplainFiles() throws {
  var noise = Noise(11)
  let (x, y, bias) = (noise.tensor([4, 32]), noise.tensor([4, 32]), noise.tensor([32]))
  let without = Tensor([4, 32], y.elements.indices.map { y.elements[$0] - bias.elements[$0 % 32] })
  let reference = held([("m/0/input/x", x), ("m/0/output", y)])
  let candidate = held([("m/0/input/x", x), ("m/0/output", without)])
  var verdict = try Verdict(reference: reference, candidate: candidate, policy: .f32)
  try verdict.explain(reference, candidate)
  #expect(verdict.divergence?.tap == "m/0/output" && verdict.divergence?.hints == [])
  try verdict.explain(reference, candidate, weights: ModuleWeights(OneBias(bias: bias)))
  #expect(verdict.divergence?.hints.map(\.cause) == [.missingBias])
}
