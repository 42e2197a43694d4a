import CVector
import Foundation
import Tensors

/// Adds up the difference of two arrays piece by piece, in Double. The sums' order depends on the positions alone.
struct ErrorAccumulator: Sendable {
  /// Elements per block: few enough that a block is still in the first cache when it has to be looked at again.
  static let blockSize = 1024

  private let start: Int
  private var count = 0
  private var absError = 0.0
  private var squaredError = 0.0
  private var maxAbsError = 0.0
  private var moments = PairMoments()
  private var exponents = ExponentTable()
  private var histogram = ErrorHistogram()
  private var reference = Side()
  private var candidate = Side()
  private var nonFiniteMismatches = 0
  private var worst: (position: Int, reference: Float, candidate: Float)?

  /// What one array holds.
  private struct Side: Sendable {
    var least = Float.infinity
    var largest = -Float.infinity
    var nonFinite = NonFiniteTally()

    /// Of the finite elements; 0 where there is none.
    var magnitude: Float { least > largest ? 0 : max(abs(least), abs(largest)) }

    mutating func merge(_ next: Side) {
      least = min(least, next.least)
      largest = max(largest, next.largest)
      nonFinite.merge(next.nonFinite)
    }
  }

  /// Nothing added yet; elements will be from the position `start` on, counted row-major.
  init(from start: Int = 0) { self.start = start }

  /// Adds the next elements of both arrays; every piece but the last holds whole blocks.
  mutating func add(_ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>) {
    precondition(
      count % Self.blockSize == 0 && reference.count == candidate.count, "a piece after \(count) elements")
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.blockSize) { errors in
      for first in stride(from: 0, to: reference.count, by: Self.blockSize) {
        let range = first..<min(first + Self.blockSize, reference.count)
        let (x, y) = (
          UnsafeBufferPointer(rebasing: reference[range]), UnsafeBufferPointer(rebasing: candidate[range])
        )
        guard let a = x.baseAddress, let b = y.baseAddress else { continue }
        var sums = cvector_differences()
        if let base = errors.baseAddress { cvector_difference_sums(a, b, x.count, base, &sums) }
        // Squares of Float32 can't leave Double's range: these sums are finite exactly if all elements are.
        if sums.aa.isFinite && sums.bb.isFinite {
          addFinite(x, y, errors, sums) { $0 }
        } else {
          addMixed(x, y, errors)
        }
        count += range.count
      }
    }
  }

  /// Adds a block of finite elements, whose errors and sums are given; `position` says where in the block they stood.
  private mutating func addFinite(
    _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>,
    _ errors: UnsafeMutableBufferPointer<Double>, _ sums: cvector_differences, position: (Int) -> Int
  ) {
    guard let a = x.baseAddress, let base = errors.baseAddress, !x.isEmpty else { return }
    absError += sums.absolute
    squaredError += sums.squared
    moments.merge(PairMoments(sums, count: x.count, first: x[0], y[0]))
    if sums.largest > 0 { exponents.update { cvector_group_by_exponent(a, base, x.count, $0) } }
    let found = UnsafeBufferPointer(start: base, count: x.count)
    histogram.add(found, largest: sums.largest)
    reference.merge(Side(least: sums.least_a, largest: sums.largest_a))
    candidate.merge(Side(least: sums.least_b, largest: sums.largest_b))
    guard sums.largest > maxAbsError else { return }
    maxAbsError = sums.largest
    if nonFiniteMismatches == 0, let index = found.firstIndex(of: sums.largest) {
      worst = (start + count + position(index), x[index], y[index])
    }
  }

  /// Adds a block in which something is not finite: counts that, and adds the rest moved together.
  private mutating func addMixed(
    _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>,
    _ errors: UnsafeMutableBufferPointer<Double>
  ) {
    var kept: [Int] = []
    for index in x.indices {
      let (expected, found) = (x[index], y[index])
      if expected.isFinite && found.isFinite {
        kept.append(index)
        continue
      }
      let position = start + count + index
      reference.nonFinite.count(expected, at: position)
      candidate.nonFinite.count(found, at: position)
      guard expected != found && !(expected.isNaN && found.isNaN) else { continue }
      if nonFiniteMismatches == 0 { worst = (position, expected, found) }
      nonFiniteMismatches += 1
    }
    kept.map { x[$0] }.withUnsafeBufferPointer { x in
      kept.map { y[$0] }.withUnsafeBufferPointer { y in
        guard let a = x.baseAddress, let b = y.baseAddress, let base = errors.baseAddress, !x.isEmpty else {
          return
        }
        var sums = cvector_differences()
        cvector_difference_sums(a, b, x.count, base, &sums)
        addFinite(x, y, errors, sums) { kept[$0] }
      }
    }
  }

  /// Adds what was added up of the elements that follow.
  mutating func merge(_ next: ErrorAccumulator) {
    count += next.count
    absError += next.absError
    squaredError += next.squaredError
    moments.merge(next.moments)
    exponents.merge(next.exponents)
    histogram.merge(next.histogram)
    reference.merge(next.reference)
    candidate.merge(next.candidate)
    if nonFiniteMismatches == 0 && (next.nonFiniteMismatches > 0 || next.maxAbsError > maxAbsError) {
      worst = next.worst
    }
    maxAbsError = max(maxAbsError, next.maxAbsError)
    nonFiniteMismatches += next.nonFiniteMismatches
  }

  /// Whether the reference may be rows of probabilities of that length, so that it is worth looking closer.
  func mayBeProbabilities(rowLength: Int) -> Bool {
    guard rowLength > 1, count > 0, reference.nonFinite == NonFiniteTally() else { return false }
    let rows = Double(count / rowLength)
    let sum = moments.count * moments.meanReference
    return moments.count == Double(count) && reference.least >= 0
      && abs(sum - rows) <= ProbabilityRows.slack * rows
  }

  /// What was found in arrays of the given shape.
  func metrics(_ shape: Shape) -> ErrorMetrics {
    let finite = histogram.total
    // Of elements that are all missing or all not finite nothing can be said.
    let isUndefined = finite == 0 && count > 0
    let magnitude = isUndefined ? .nan : Double(reference.magnitude)
    let maxAbsError = isUndefined ? .nan : maxAbsError
    let range = Double(reference.largest) - Double(reference.least)
    let peak = range > 0 ? range : magnitude
    let energy = moments.referenceEnergy
    let referenceNonFinite = reference.nonFinite.result(shape)
    let candidateNonFinite = candidate.nonFinite.result(shape)
    return ErrorMetrics(
      count: count, maxAbsError: maxAbsError,
      meanAbsError: isUndefined ? .nan : finite == 0 ? 0 : absError / Double(finite),
      referenceMagnitude: magnitude, relativeError: magnitude == 0 ? maxAbsError : maxAbsError / magnitude,
      cosineSimilarity: moments.cosine, pearson: moments.pearson,
      sqnrDecibels: isUndefined ? .nan : squaredError == 0 ? .infinity : 10 * log10(energy / squaredError),
      psnrDecibels: isUndefined
        ? .nan : squaredError == 0 ? .infinity : 10 * log10(peak * peak / (squaredError / Double(finite))),
      ulp: isUndefined
        ? ULPDistance(largest: .nan, mean: .nan, nearZero: .nan)
        : exponents.distance(
          count: finite, magnitude: reference.magnitude > 0 ? reference.magnitude : candidate.magnitude),
      errorHistogram: histogram, referenceNonFinite: referenceNonFinite, candidateNonFinite: candidateNonFinite,
      nonFiniteMismatches: nonFiniteMismatches,
      worst: worst.map {
        WorstElement(index: shape.index(of: $0.position), reference: $0.reference, candidate: $0.candidate)
      },
      isZero: count > 0 && referenceNonFinite.isEmpty && candidateNonFinite.isEmpty
        && reference.magnitude == 0 && candidate.magnitude == 0)
  }
}

/// Means of two arrays and the sums of their deviations' squares and products, added up without cancellation however
/// far from zero the means are.
/// Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
struct PairMoments: Sendable {
  private(set) var count = 0.0
  private(set) var meanReference = 0.0
  private(set) var meanCandidate = 0.0
  private(set) var squaredReference = 0.0
  private(set) var squaredCandidate = 0.0
  private(set) var product = 0.0

  /// No elements.
  init() {}

  /// Those of a block of finite elements that begins with the two given.
  init(_ sums: cvector_differences, count: Int, first reference: Float, _ candidate: Float) {
    let number = Double(count)
    self.count = number
    meanReference = Double(reference) + sums.a / number
    meanCandidate = Double(candidate) + sums.b / number
    squaredReference = max(0, sums.aa - sums.a * sums.a / number)
    squaredCandidate = max(0, sums.bb - sums.b * sums.b / number)
    product = sums.ab - sums.a * sums.b / number
  }

  /// Adds those of other elements.
  mutating func merge(_ other: PairMoments) {
    guard other.count > 0 else { return }
    guard count > 0 else {
      self = other
      return
    }
    let both = count + other.count
    let (shiftReference, shiftCandidate) = (
      other.meanReference - meanReference, other.meanCandidate - meanCandidate
    )
    let weight = count * other.count / both
    squaredReference += other.squaredReference + shiftReference * shiftReference * weight
    squaredCandidate += other.squaredCandidate + shiftCandidate * shiftCandidate * weight
    product += other.product + shiftReference * shiftCandidate * weight
    meanReference += shiftReference * other.count / both
    meanCandidate += shiftCandidate * other.count / both
    count = both
  }

  /// Σ reference².
  var referenceEnergy: Double { squaredReference + count * meanReference * meanReference }

  /// The cosine of the angle between the two; NaN where one is all zeros.
  var cosine: Double {
    Self.correlation(
      product + count * meanReference * meanCandidate, referenceEnergy,
      squaredCandidate + count * meanCandidate * meanCandidate)
  }

  /// Pearson's coefficient; NaN where one doesn't vary.
  var pearson: Double { Self.correlation(product, squaredReference, squaredCandidate) }

  private static func correlation(_ product: Double, _ first: Double, _ second: Double) -> Double {
    guard first > 0 && second > 0 else { return .nan }
    return min(1, max(-1, product / (first * second).squareRoot()))
  }
}
