// Metrics against numbers worked out by hand, and planted errors.
import Tensors
import Testing

@testable import Verification

/// The metrics of two arrays, fed in pieces of `piece` elements.
private func metrics(
  _ reference: [Float], _ candidate: [Float], shape: Shape? = nil, piece: Int = 1 << 20
) -> ErrorMetrics {
  var accumulator = ErrorAccumulator()
  reference.withUnsafeBufferPointer { reference in
    candidate.withUnsafeBufferPointer { candidate in
      for start in stride(from: 0, to: reference.count, by: piece) {
        let range = start..<min(start + piece, reference.count)
        accumulator.add(.init(rebasing: reference[range]), .init(rebasing: candidate[range]))
      }
    }
  }
  return accumulator.metrics(shape ?? [reference.count])
}

@Test func metricsAreWhatTheirFormulasSay() {
  // Errors 0, 0, 1, −1; Σ reference² = 4 + 1 + 16 + 4 = 25, Σ candidate² = 4 + 1 + 9 + 9 = 23,
  // Σ reference · candidate = 4 + 1 + 12 + 6 = 23, Σ error² = 2.
  let found = metrics([2, -1, -4, 2], [2, -1, -3, 3], shape: [2, 2])
  #expect(found.count == 4)
  #expect(found.maxAbsError == 1)
  #expect(found.meanAbsError == 0.5)
  #expect(found.referenceMagnitude == 4)
  #expect(found.relativeError == 0.25)
  #expect(abs(found.cosineSimilarity - 23 / (25.0 * 23).squareRoot()) < 1e-15)
  #expect(abs(found.sqnrDecibels - 10.969100130080564) < 1e-12)  // 10 · log10(12.5)
  #expect(found.worst == WorstElement(index: [1, 0], reference: -4, candidate: -3))
  #expect(found.masks == nil)
}

@Test func equalArraysHaveNoError() {
  let values = (0..<5000).map { Float($0) - 2500.5 }
  let found = metrics(values, values)
  #expect(found.maxAbsError == 0)
  #expect(found.relativeError == 0)
  #expect(abs(found.cosineSimilarity - 1) < 1e-12)
  #expect(found.sqnrDecibels == .infinity)
  #expect(found.worst == nil)
}

@Test(arguments: [0, 1023, 1024, 2047, 4999])
func oneElementOffIsFoundAnywhere(_ position: Int) {
  let reference = (0..<5000).map { Float($0 % 17) }
  var candidate = reference
  candidate[position] += 0.5
  for piece in [1 << 20, 2048, 1024] {
    let found = metrics(reference, candidate, shape: [50, 100], piece: piece)
    #expect(found.maxAbsError == 0.5)
    #expect(found.worst?.index == [position / 100, position % 100])
    #expect(found.relativeError == 0.5 / 16)
  }
}

@Test func swappedElementsAreFound() {
  let reference: [Float] = [1, 2, 3, 4]
  let found = metrics(reference, [1, 3, 2, 4])
  #expect(found.maxAbsError == 1)
  #expect(found.worst?.index == [1])
}

@Test func nanInOneOnlyIsAMismatch() {
  var candidate = [Float](repeating: 1, count: 3000)
  candidate[1500] = .nan
  candidate[2000] = 1.5
  let found = metrics([Float](repeating: 1, count: 3000), candidate)
  #expect(found.candidateNonFinite == NonFiniteCount(nan: 1, firstNaN: [1500]))
  #expect(found.referenceNonFinite == NonFiniteCount())
  #expect(found.nonFiniteMismatches == 1)
  #expect(found.worst?.index == [1500])
  #expect(found.maxAbsError == 0.5)
  #expect(found.smallestPassingTolerance == .infinity)
}

@Test func infinityOfTheOtherSignIsAMismatch() {
  let found = metrics([.infinity, .nan, .infinity, 1], [-.infinity, .infinity, .infinity, 1])
  #expect(found.nonFiniteMismatches == 2)
  #expect(found.referenceNonFinite == NonFiniteCount(nan: 1, infinite: 2, firstNaN: [1], firstInfinite: [0]))
  #expect(found.candidateNonFinite == NonFiniteCount(nan: 0, infinite: 3, firstInfinite: [0]))
}

@Test func nonFiniteElementsThatAgreeAreNoError() {
  let values: [Float] = [.nan, -.infinity, 2, .infinity]
  let found = metrics(values, [.nan, -.infinity, 2.5, .infinity])
  #expect(found.nonFiniteMismatches == 0)
  #expect(found.maxAbsError == 0.5)
  #expect(found.meanAbsError == 0.5)
  #expect(found.referenceMagnitude == 2)
}

@Test func zeroReferencesAreJudgedAbsolutely() {
  let off = metrics([0, 0], [0, 0.25])
  #expect(off.relativeError == 0.25)
  #expect(off.cosineSimilarity.isNaN)
  #expect(off.sqnrDecibels == -.infinity)
  let equal = metrics([0, 0], [0, 0])
  #expect(equal.relativeError == 0)
  #expect(equal.cosineSimilarity.isNaN)
}

/// Where no place is finite on both sides there is no error, and no likeness either.
@Test func figuresOfNothingAreNotDefined() {
  let found = metrics([1, 2], [.nan, .infinity])
  for figure in [
    found.maxAbsError, found.meanAbsError, found.relativeError, found.referenceMagnitude,
    found.cosineSimilarity,
    found.pearson, found.sqnrDecibels, found.psnrDecibels, found.ulp.largest, found.ulp.mean,
  ] {
    #expect(figure.isNaN)
  }
  #expect(found.nonFiniteMismatches == 2)
  #expect(found.smallestPassingTolerance == .infinity)
  #expect(Tolerance(limits: [.relative: 1]).breaches(found).contains { $0.of == .nonFiniteMismatch })
  // NaN on both sides is no difference.
  let alike = metrics([.nan, .nan], [.nan, .nan])
  #expect(alike.relativeError.isNaN)
  #expect(alike.smallestPassingTolerance == 0)
  #expect(Tolerance(limits: [.relative: 0, .cosine: 1]).breaches(alike).isEmpty)
}

@Test func largestFloatsDoNotOverflow() {
  let found = metrics([.greatestFiniteMagnitude], [-.greatestFiniteMagnitude])
  #expect(found.relativeError == 2)
  #expect(found.cosineSimilarity == -1)
}

@Test func emptyArraysAreEqual() {
  let found = metrics([], [], shape: [0, 4])
  #expect(found.count == 0)
  #expect(found.meanAbsError == 0)
  #expect(found.smallestPassingTolerance == 0)
}
