// Verdicts over arrays by tap.
import Taps
import Tensors
import Testing

@testable import Verification

/// Tensors by their names.
func held(_ tensors: [(String, Tensor)]) -> HeldTensors { HeldTensors(tensors.map { (TapID($0), $1) }) }

func compared(
  _ reference: any TapSource, _ candidate: any TapSource, policy: TolerancePolicy = .f32,
  heatMaps: Bool = false, slabSize: Int = TapComparator.defaultSlabSize, wholes: Set<ModulePath> = []
) throws -> Comparison {
  try TapComparator(reference, policy: policy, heatMaps: heatMaps, slabSize: slabSize)
    .compare(candidate, wholes: wholes)
}

let one = Tensor([2, 2], [1, 2, 3, 4])
/// Off by 0.5, an eighth of the largest magnitude.
let near = Tensor([2, 2], [1, 2, 3, 4.5])

@Test func identicalArraysPassAtAnyTolerance() throws {
  let arrays = held([("a", one), ("b", near)])
  let comparison = try compared(arrays, arrays, policy: .f32.withRelative(0))
  #expect(comparison.passes)
  #expect(comparison.firstDivergence == nil)
  #expect(comparison.smallestPassingTolerance == 0)
}

@Test func toleranceIncludesItsEdge() throws {
  let (reference, candidate) = (held([("a", one)]), held([("a", near)]))
  let at = try compared(reference, candidate, policy: .f32.withRelative(0.125))
  #expect(at.passes)
  #expect(at.smallestPassingTolerance == 0.125)
  let below = try compared(
    reference, candidate, policy: .f32.withRelative((0.125).nextDown))
  #expect(!below.passes)
  #expect(below.smallestPassingTolerance == 0.125)
}

@Test func firstDivergenceFollowsTheReferencesOrder() throws {
  let reference = held([("z", one), ("m", one), ("a", one)])
  let candidate = held([("a", near), ("m", near), ("z", one)])
  let comparison = try compared(reference, candidate)
  #expect(comparison.firstDivergence?.name == "m")
  #expect(comparison.failures.map(\.name) == ["m", "a"])
}

@Test func missingArraysFail() throws {
  let comparison = try compared(
    held([("a", one), ("b", one)]), held([("a", one)]))
  #expect(!comparison.passes)
  #expect(comparison.arrays.map(\.outcome).last == .missing)
  #expect(comparison.smallestPassingTolerance == nil)
  #expect(comparison.firstDivergence == nil)
}

@Test func misshapedArraysFailEvenWithEqualElements() throws {
  let comparison = try compared(
    held([("a", one)]), held([("a", Tensor([4], one.elements))]))
  #expect(!comparison.passes)
  #expect(comparison.arrays[0].outcome == .shapeMismatch(candidate: [4]))
}

@Test func extraArraysAreReportedAndDoNotFail() throws {
  let comparison = try compared(
    held([("a", one)]), held([("x", one), ("a", one)]))
  #expect(comparison.passes)
  #expect(comparison.extra == ["x"])
}

@Test func whatIsLeftOutIsNeitherMissingNorExtra() throws {
  let comparator = TapComparator(held([("a", one), ("b", one)]), policy: .f32) { $0 != "b" && $0 != "x" }
  let comparison = try comparator.compare(held([("x", one), ("a", one), ("y", one)]))
  #expect(comparison.passes && comparison.arrays.map(\.id) == ["a"])
  #expect(comparison.extra == ["y"])
  #expect(comparator.shape(of: "b") == nil && comparator.shape(of: "a") == [2, 2])
}

@Test func nothingInCommonFails() throws {
  let (nothing, something) = (held([]), held([("a", one)]))
  #expect(try !compared(nothing, something).passes)
  #expect(try !compared(something, nothing).passes)
  #expect(try !compared(nothing, nothing).passes)
}

@Test func nanFailsAtAnyTolerance() throws {
  let comparison = try compared(
    held([("a", one)]), held([("a", Tensor([2, 2], [1, .nan, 3, 4]))]),
    policy: .f32.withRelative(.greatestFiniteMagnitude))
  #expect(!comparison.passes)
  #expect(comparison.firstDivergence?.name == "a")
  #expect(comparison.smallestPassingTolerance == nil)
}
