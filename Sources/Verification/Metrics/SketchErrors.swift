import Foundation
import Tensors
import Traces

/// How far a sketch is from its reference, part by part; each is on the scale of a relative error.
public struct SketchErrors: Equatable, Sendable, Codable {
  /// The largest error of a sample, as a part of the array's largest magnitude; NaN where no sample is finite in both.
  public let samples: Double
  /// The root mean square of the projections' errors, as a part of the norm. Random signs make this an estimate of
  /// the error's norm as a part of the reference's.
  public let projections: Double
  /// The norm's error as a part of the norm.
  public let norm: Double
  /// The largest error of mean, standard deviation (as a part of the elements' root mean square), least and largest
  /// element (as a part of the largest magnitude).
  public let moments: Double

  /// The largest of them, samples left out where none is finite.
  public var largest: Double { Self.largest(samples.isNaN ? 0 : samples, projections, norm, moments) }

  /// The largest, or NaN if one is: `max` would pass over it.
  fileprivate static func largest(_ parts: Double...) -> Double {
    parts.contains(where: \.isNaN) ? .nan : parts.reduce(0, max)
  }
}

extension ErrorMetrics {
  /// What can be said of two arrays of one shape by their sketches.
  init(_ reference: Sketch, _ candidate: Sketch, shape: Shape, seed: UInt64) {
    /// A part of a scale; the error itself where the reference is all zeros.
    func part(_ error: Double, _ scale: Double) -> Double { scale == 0 ? abs(error) : abs(error) / scale }
    let projected = zip(reference.projections, candidate.projections).map { $0 - $1 }
    // Each projection's square has the square of the error's norm as its expectation.
    let squaredError = projected.reduce(0) { $0 + $1 * $1 } / Double(max(1, projected.count))
    let typical = reference.norm / Double(max(1, reference.count)).squareRoot()
    var accumulator = ErrorAccumulator()
    reference.samples.withUnsafeBufferPointer { x in
      candidate.samples.withUnsafeBufferPointer { y in
        let count = reference.sampleCount
        accumulator.add(.init(rebasing: x[..<count]), .init(rebasing: y[..<count]))
      }
    }
    let sampled = accumulator.metrics([reference.sampleCount])
    let parts = SketchErrors(
      samples: part(sampled.maxAbsError, reference.magnitude),
      projections: part(squaredError.squareRoot(), reference.norm),
      norm: part(reference.norm - candidate.norm, reference.norm),
      moments: SketchErrors.largest(
        part(reference.mean - candidate.mean, typical),
        part(reference.deviation - candidate.deviation, typical),
        part(reference.least - candidate.least, reference.magnitude),
        part(reference.largest - candidate.largest, reference.magnitude)))
    let product = reference.norm * candidate.norm
    let bothZero = reference.norm == 0 && candidate.norm == 0
    let squares = reference.norm * reference.norm + candidate.norm * candidate.norm
    self = sampled
    count = reference.count
    referenceMagnitude = reference.magnitude
    relativeError = parts.largest
    cosineSimilarity =
      product == 0 ? .nan : min(1, max(-1, (squares - squaredError) / (2 * product)))
    sqnrDecibels = squaredError == 0 ? .infinity : 10 * log10(reference.norm * reference.norm / squaredError)
    nonFiniteMismatches = max(
      abs(reference.nan - candidate.nan) + abs(reference.infinite - candidate.infinite),
      sampled.nonFiniteMismatches)
    locate(at: reference.positions(seed: seed), shape, reference, candidate)
    isZero = reference.count > 0 && bothZero && !hasNonFinite
    sketch = parts
  }

  /// Makes positions among the samples those in the array, and counts of samples counts of elements.
  private mutating func locate(at positions: [Int], _ shape: Shape, _ reference: Sketch, _ candidate: Sketch) {
    func index(_ sample: [Int]) -> [Int] { shape.index(of: positions[sample[0]]) }
    worst = worst.map {
      WorstElement(index: index($0.index), reference: $0.reference, candidate: $0.candidate)
    }
    referenceNonFinite = NonFiniteCount(
      nan: reference.nan, infinite: reference.infinite, firstNaN: referenceNonFinite.firstNaN.map(index),
      firstInfinite: referenceNonFinite.firstInfinite.map(index))
    candidateNonFinite = NonFiniteCount(
      nan: candidate.nan, infinite: candidate.infinite, firstNaN: candidateNonFinite.firstNaN.map(index),
      firstInfinite: candidateNonFinite.firstInfinite.map(index))
  }
}
