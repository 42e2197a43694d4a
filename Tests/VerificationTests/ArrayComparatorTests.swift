// Verdicts over named arrays.
import Tensors
import Testing

@testable import Verification

/// Arrays in memory.
struct ArraysInMemory: NamedArrays {
  let tensors: [(String, Tensor)]

  init(_ tensors: [(String, Tensor)]) { self.tensors = tensors }

  var arrays: [(name: String, shape: Shape)] { tensors.map { ($0.0, $0.1.shape) } }

  func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    guard let tensor = tensors.first(where: { $0.0 == name })?.1 else { return }
    tensor.withElements { _ = buffer.update(from: $0[offset..<offset + buffer.count]) }
  }
}

let one = Tensor([2, 2], [1, 2, 3, 4])
/// Off by 0.5, an eighth of the largest magnitude.
let near = Tensor([2, 2], [1, 2, 3, 4.5])

@Test func identicalArraysPassAtAnyTolerance() throws {
  let arrays = ArraysInMemory([("a", one), ("b", near)])
  let comparison = try ArrayComparator(policy: .fp32.withRelative(0)).compare(arrays, arrays)
  #expect(comparison.passes)
  #expect(comparison.firstDivergence == nil)
  #expect(comparison.smallestPassingTolerance == 0)
}

@Test func toleranceIncludesItsEdge() throws {
  let (reference, candidate) = (ArraysInMemory([("a", one)]), ArraysInMemory([("a", near)]))
  let at = try ArrayComparator(policy: .fp32.withRelative(0.125)).compare(reference, candidate)
  #expect(at.passes)
  #expect(at.smallestPassingTolerance == 0.125)
  let below = try ArrayComparator(policy: .fp32.withRelative((0.125).nextDown)).compare(
    reference, candidate)
  #expect(!below.passes)
  #expect(below.smallestPassingTolerance == 0.125)
}

@Test func firstDivergenceFollowsTheReferencesOrder() throws {
  let reference = ArraysInMemory([("z", one), ("m", one), ("a", one)])
  let candidate = ArraysInMemory([("a", near), ("m", near), ("z", one)])
  let comparison = try ArrayComparator().compare(reference, candidate)
  #expect(comparison.firstDivergence?.name == "m")
  #expect(comparison.failures.map(\.name) == ["m", "a"])
}

@Test func missingArraysFail() throws {
  let comparison = try ArrayComparator().compare(
    ArraysInMemory([("a", one), ("b", one)]), ArraysInMemory([("a", one)]))
  #expect(!comparison.passes)
  #expect(comparison.arrays.map(\.outcome).last == .missing)
  #expect(comparison.smallestPassingTolerance == nil)
  #expect(comparison.firstDivergence == nil)
}

@Test func misshapedArraysFailEvenWithEqualElements() throws {
  let comparison = try ArrayComparator().compare(
    ArraysInMemory([("a", one)]), ArraysInMemory([("a", Tensor([4], one.elements))]))
  #expect(!comparison.passes)
  #expect(comparison.arrays[0].outcome == .shapeMismatch(candidate: [4]))
}

@Test func extraArraysAreReportedAndDoNotFail() throws {
  let comparison = try ArrayComparator().compare(
    ArraysInMemory([("a", one)]), ArraysInMemory([("x", one), ("a", one)]))
  #expect(comparison.passes)
  #expect(comparison.extra == ["x"])
}

@Test func nothingInCommonFails() throws {
  let (nothing, something) = (ArraysInMemory([]), ArraysInMemory([("a", one)]))
  #expect(try !ArrayComparator().compare(nothing, something).passes)
  #expect(try !ArrayComparator().compare(something, nothing).passes)
  #expect(try !ArrayComparator().compare(nothing, nothing).passes)
}

@Test func nanFailsAtAnyTolerance() throws {
  let comparison = try ArrayComparator(policy: .fp32.withRelative(.greatestFiniteMagnitude)).compare(
    ArraysInMemory([("a", one)]), ArraysInMemory([("a", Tensor([2, 2], [1, .nan, 3, 4]))]))
  #expect(!comparison.passes)
  #expect(comparison.firstDivergence?.name == "a")
  #expect(comparison.smallestPassingTolerance == nil)
}
