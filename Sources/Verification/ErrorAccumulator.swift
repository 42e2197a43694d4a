import Foundation
import Tensors

/// Adds up the difference of two arrays piece by piece, in Double.
struct ErrorAccumulator {
  /// Elements per block: few enough that a block is still in the first cache when it has to be looked at again.
  private static let blockSize = 1024

  private let countsSignFlips: Bool
  private var count = 0
  private var finiteCount = 0
  private var sums = Sums()
  private var nonFiniteMismatches = 0
  private var referenceNonFinite = NonFiniteCount()
  private var candidateNonFinite = NonFiniteCount()
  private var worst: (offset: Int, reference: Float, candidate: Float)?
  private var signFlips = 0
  private var largestFlipped: Float = 0

  /// Sums and maxima over elements that are finite in both arrays.
  private struct Sums {
    var absError = 0.0
    var squaredError = 0.0
    var squaredReference = 0.0
    var squaredCandidate = 0.0
    var product = 0.0
    var maxAbsError = 0.0
    var maxReference = 0.0

    /// Squares of Float can't overflow Double: a sum is finite exactly if every element was.
    var isFinite: Bool { squaredReference.isFinite && squaredCandidate.isFinite }

    @inline(__always)
    mutating func add(_ reference: Float, _ candidate: Float) {
      let (reference, candidate) = (Double(reference), Double(candidate))
      let error = abs(reference - candidate)
      absError += error
      squaredError += error * error
      squaredReference += reference * reference
      squaredCandidate += candidate * candidate
      product += reference * candidate
      maxAbsError = error > maxAbsError ? error : maxAbsError
      maxReference = abs(reference) > maxReference ? abs(reference) : maxReference
    }

    mutating func add(_ other: Sums) {
      absError += other.absError
      squaredError += other.squaredError
      squaredReference += other.squaredReference
      squaredCandidate += other.squaredCandidate
      product += other.product
      maxAbsError = max(maxAbsError, other.maxAbsError)
      maxReference = max(maxReference, other.maxReference)
    }
  }

  /// Nothing added yet; `countsSignFlips` for mask logits.
  init(countsSignFlips: Bool) { self.countsSignFlips = countsSignFlips }

  /// Adds the next elements of both arrays.
  mutating func add(_ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>) {
    for start in stride(from: 0, to: reference.count, by: Self.blockSize) {
      let range = start..<min(start + Self.blockSize, reference.count)
      var block = Sums()
      for index in range { block.add(reference[index], candidate[index]) }
      if block.isFinite {
        add(block, reference, candidate, range)
      } else {
        addWithNonFinite(reference, candidate, range)
      }
      if countsSignFlips { countSignFlips(reference, candidate, range) }
    }
    count += reference.count
  }

  private mutating func add(
    _ block: Sums, _ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>,
    _ range: Range<Int>
  ) {
    finiteCount += range.count
    if block.maxAbsError > sums.maxAbsError, nonFiniteMismatches == 0,
      let index = range.first(where: { abs(Double(reference[$0]) - Double(candidate[$0])) == block.maxAbsError }
      )
    {
      worst = (count + index, reference[index], candidate[index])
    }
    sums.add(block)
  }

  private mutating func addWithNonFinite(
    _ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>, _ range: Range<Int>
  ) {
    for index in range {
      let (expected, found) = (reference[index], candidate[index])
      if expected.isFinite && found.isFinite {
        var one = Sums()
        one.add(expected, found)
        add(one, reference, candidate, index..<index + 1)
        continue
      }
      referenceNonFinite.count(expected)
      candidateNonFinite.count(found)
      guard expected != found && !(expected.isNaN && found.isNaN) else { continue }
      if nonFiniteMismatches == 0 { worst = (count + index, expected, found) }
      nonFiniteMismatches += 1
    }
  }

  private mutating func countSignFlips(
    _ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>, _ range: Range<Int>
  ) {
    for index in range where (reference[index] > 0) != (candidate[index] > 0) {
      signFlips += 1
      largestFlipped = max(largestFlipped, abs(reference[index]))
    }
  }

  /// What was found in arrays of the given shape.
  func metrics(_ shape: Shape) -> ErrorMetrics {
    let energy = (sums.squaredReference * sums.squaredCandidate).squareRoot()
    let bothZero = sums.squaredReference == 0 && sums.squaredCandidate == 0
    return ErrorMetrics(
      count: count, maxAbsError: sums.maxAbsError,
      meanAbsError: finiteCount == 0 ? 0 : sums.absError / Double(finiteCount),
      referenceMagnitude: sums.maxReference,
      relativeError: sums.maxReference == 0 ? sums.maxAbsError : sums.maxAbsError / sums.maxReference,
      cosineSimilarity: energy == 0 ? (bothZero ? 1 : 0) : min(1, max(-1, sums.product / energy)),
      sqnrDecibels: sums.squaredError == 0
        ? .infinity : 10 * log10(sums.squaredReference / sums.squaredError),
      referenceNonFinite: referenceNonFinite, candidateNonFinite: candidateNonFinite,
      nonFiniteMismatches: nonFiniteMismatches,
      worst: worst.map { worst in
        let index = zip(shape.extents, shape.strides).map { worst.offset / $1 % $0 }
        return WorstElement(index: index, reference: worst.reference, candidate: worst.candidate)
      },
      signFlips: countsSignFlips
        ? SignFlips(signFlips: signFlips, unexplainedFlips: 0, largestMagnitude: Double(largestFlipped)) : nil)
  }
}
