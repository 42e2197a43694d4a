import Foundation
import Tensors
import Traces

/// How far a sketch is from its reference, part by part; each is on the scale of a relative error.
public struct SketchErrors: Equatable, Sendable, Codable {
  /// The largest error of a sample, as a part of the array's largest magnitude.
  public let samples: Double
  /// The root mean square of the projections' errors, as a part of the norm. Random signs make this an estimate of
  /// the error's norm as a part of the reference's.
  public let projections: Double
  /// The norm's error as a part of the norm.
  public let norm: Double
  /// The largest error of mean, standard deviation (as a part of the elements' root mean square), least and largest
  /// element (as a part of the largest magnitude).
  public let moments: Double

  /// The largest of them.
  public var largest: Double { max(samples, projections, norm, moments) }
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
    let samples = SampleErrors(reference, candidate)
    let parts = SketchErrors(
      samples: part(samples.largest, reference.magnitude),
      projections: part(squaredError.squareRoot(), reference.norm),
      norm: part(reference.norm - candidate.norm, reference.norm),
      moments: max(
        part(reference.mean - candidate.mean, typical),
        part(reference.deviation - candidate.deviation, typical),
        part(reference.least - candidate.least, reference.magnitude),
        part(reference.largest - candidate.largest, reference.magnitude)))
    let mismatches = max(
      abs(reference.nan - candidate.nan) + abs(reference.infinite - candidate.infinite), samples.mismatches)
    let product = reference.norm * candidate.norm
    let bothZero = reference.norm == 0 && candidate.norm == 0
    let squares = reference.norm * reference.norm + candidate.norm * candidate.norm
    self.init(
      count: reference.count, maxAbsError: samples.largest, meanAbsError: samples.mean,
      referenceMagnitude: reference.magnitude, relativeError: parts.largest,
      cosineSimilarity: product == 0
        ? (bothZero ? 1 : 0) : min(1, max(-1, (squares - squaredError) / (2 * product))),
      sqnrDecibels: squaredError == 0
        ? .infinity : 10 * log10(reference.norm * reference.norm / squaredError),
      referenceNonFinite: NonFiniteCount(nan: reference.nan, infinite: reference.infinite),
      candidateNonFinite: NonFiniteCount(nan: candidate.nan, infinite: candidate.infinite),
      nonFiniteMismatches: mismatches,
      worst: samples.worst.map { worst in
        let offset = reference.positions(seed: seed)[worst]
        return WorstElement(
          index: zip(shape.extents, shape.strides).map { offset / $1 % $0 },
          reference: reference.samples[worst], candidate: candidate.samples[worst])
      },
      sketch: parts)
  }
}

/// The differences of two sketches' samples.
private struct SampleErrors {
  private(set) var largest = 0.0
  private(set) var mean = 0.0
  /// How many are NaN or infinite in one and not the same in the other.
  private(set) var mismatches = 0
  /// The number of the sample furthest off, or of the first mismatch.
  private(set) var worst: Int?

  init(_ reference: Sketch, _ candidate: Sketch) {
    var finite = 0
    for index in 0..<reference.sampleCount {
      let (expected, found) = (reference.samples[index], candidate.samples[index])
      guard expected.isFinite && found.isFinite else {
        guard expected != found && !(expected.isNaN && found.isNaN) else { continue }
        if mismatches == 0 { worst = index }
        mismatches += 1
        continue
      }
      let error = abs(Double(expected) - Double(found))
      finite += 1
      mean += error
      if error > largest {
        largest = error
        if mismatches == 0 { worst = index }
      }
    }
    if finite > 0 { mean /= Double(finite) }
  }
}
