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
  let comparison = try ArrayComparator(tolerance: Tolerance(relative: 0)).compare(arrays, arrays)
  #expect(comparison.passes)
  #expect(comparison.firstDivergence == nil)
  #expect(comparison.smallestPassingTolerance == 0)
}

@Test func toleranceIncludesItsEdge() throws {
  let (reference, candidate) = (ArraysInMemory([("a", one)]), ArraysInMemory([("a", near)]))
  let at = try ArrayComparator(tolerance: Tolerance(relative: 0.125)).compare(reference, candidate)
  #expect(at.passes)
  #expect(at.smallestPassingTolerance == 0.125)
  let below = try ArrayComparator(tolerance: Tolerance(relative: (0.125).nextDown)).compare(
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
  let comparison = try ArrayComparator(tolerance: Tolerance(relative: .greatestFiniteMagnitude)).compare(
    ArraysInMemory([("a", one)]), ArraysInMemory([("a", Tensor([2, 2], [1, .nan, 3, 4]))]))
  #expect(!comparison.passes)
  #expect(comparison.firstDivergence?.name == "a")
  #expect(comparison.smallestPassingTolerance == nil)
}

@Test func slabsOfAnySizeGiveTheSameCounts() throws {
  let shape: Shape = [7, 11]
  let reference = Tensor(shape, (0..<77).map { Float($0 % 9) - 4 })
  var elements = reference.elements
  elements[40] += 2
  elements[76] = .nan
  for slabSize in [1, 10, 77, 1000] {
    let comparator = ArrayComparator(maskNames: ["a"], slabSize: slabSize)
    let metrics = try comparator.compare(
      ArraysInMemory([("a", reference)]), ArraysInMemory([("a", Tensor(shape, elements))])
    ).arrays[0].metrics
    #expect(metrics?.maxAbsError == 2)
    #expect(metrics?.worst?.index == [6, 10])
    #expect(metrics?.count == 77)
    #expect(metrics?.signFlips?.signFlips == 1)
  }
}

@Test func flipsBeyondTheToleranceAreUnexplained() throws {
  // The largest magnitude is 10, so a tolerance of 0.1 lets an element move by 1.
  let reference = ArraysInMemory([("mask", Tensor([4], [10, 0.5, -0.9, 2]))])
  let candidate = ArraysInMemory([("mask", Tensor([4], [10, -0.1, 0.1, -0.1]))])
  let comparator = ArrayComparator(tolerance: Tolerance(relative: 0.1), maskNames: ["mask"], slabSize: 3)
  let flips = try comparator.compare(reference, candidate).arrays[0].metrics?.signFlips
  #expect(flips == SignFlips(signFlips: 3, unexplainedFlips: 1, largestMagnitude: 2))
}
