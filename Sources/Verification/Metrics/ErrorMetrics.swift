import Tensors

/// How far an array is from its reference. Where both elements are finite, they are compared; elsewhere they must
/// agree in being NaN, or the same infinity. What is not defined, as any error of arrays without a place where both are
/// finite, is NaN.
///
/// Of sketches, cosine and SQNR are estimated from projections, and `relativeError` is the largest of `sketch`; whatever
/// else stands here is of the samples.
public struct ErrorMetrics: Equatable, Sendable, Codable {
  /// How many elements each array has.
  public internal(set) var count: Int
  /// The largest |reference − candidate|.
  public internal(set) var maxAbsError: Double
  /// The mean of |reference − candidate|.
  public internal(set) var meanAbsError: Double
  /// The largest |reference|.
  public internal(set) var referenceMagnitude: Double
  /// `maxAbsError / referenceMagnitude`, or `maxAbsError` where the reference is all zeros.
  public internal(set) var relativeError: Double
  /// The cosine of the angle between the two as vectors; NaN where one is all zeros.
  public internal(set) var cosineSimilarity: Double
  /// Pearson's correlation coefficient: the cosine once each array's mean is taken off it; NaN where one doesn't vary.
  public internal(set) var pearson: Double
  /// Signal to noise, 10 · log10(Σ reference² / Σ (reference − candidate)²), in dB; infinite where equal.
  public internal(set) var sqnrDecibels: Double
  /// Peak signal to noise, 10 · log10(peak² / mean (reference − candidate)²), in dB; infinite where equal. The peak is
  /// the reference's range, largest − least, or its magnitude where it does not vary.
  public internal(set) var psnrDecibels: Double
  /// The error in units in the last place.
  public internal(set) var ulp: ULPDistance
  /// How often errors of each decade occur.
  public internal(set) var errorHistogram: ErrorHistogram
  /// How far apart the two are as probabilities, where the reference's rows are such.
  public internal(set) var klDivergence: KLDivergence?
  /// For mask logits: how alike the masks are.
  public internal(set) var masks: MaskMetrics?
  /// What is not a finite number in the reference.
  public internal(set) var referenceNonFinite: NonFiniteCount
  /// What is not a finite number in the candidate.
  public internal(set) var candidateNonFinite: NonFiniteCount
  /// At how many positions one is NaN or infinite and the other is not the same.
  public internal(set) var nonFiniteMismatches: Int
  /// The element furthest off, or the first non-finite mismatch; nil where all are equal.
  public internal(set) var worst: WorstElement?
  /// Whether both arrays have elements and all of them, on both sides, are zero.
  public internal(set) var isZero: Bool
  /// Of what `relativeError` is the largest, where sketches were compared.
  public internal(set) var sketch: SketchErrors?

  /// The smallest relative tolerance under which this passes; infinite where no tolerance helps.
  public var smallestPassingTolerance: Double {
    nonFiniteMismatches > 0 ? .infinity : isEqual ? 0 : relativeError.isNaN ? .infinity : relativeError
  }

  /// Whether nothing differs, as far as anything could be compared; a part of a sketch that is no number does.
  var isEqual: Bool {
    nonFiniteMismatches == 0 && !(maxAbsError > 0) && sketch.map { $0.largest == 0 } ?? true
  }

  /// Whether there is a NaN or an infinity on either side.
  public var hasNonFinite: Bool { !referenceNonFinite.isEmpty || !candidateNonFinite.isEmpty }
}

extension ErrorMetrics {
  /// The metrics of an array that equals the reference, given those of any other against the same reference.
  var ofEqualArrays: ErrorMetrics {
    var equal = self
    equal.maxAbsError = 0
    equal.meanAbsError = 0
    equal.relativeError = 0
    equal.cosineSimilarity = referenceMagnitude == 0 ? .nan : 1
    equal.pearson = pearson.isNaN ? .nan : 1
    equal.sqnrDecibels = .infinity
    equal.psnrDecibels = .infinity
    equal.ulp = ULPDistance(largest: 0, mean: 0, nearZero: ulp.nearZero)
    equal.errorHistogram = ErrorHistogram()
    equal.errorHistogram.equal = count - referenceNonFinite.nan - referenceNonFinite.infinite
    equal.klDivergence = klDivergence.map { KLDivergence(mean: 0, largest: 0, rows: $0.rows) }
    equal.masks = nil
    equal.candidateNonFinite = referenceNonFinite
    equal.nonFiniteMismatches = 0
    equal.worst = nil
    equal.isZero = count > 0 && referenceMagnitude == 0 && referenceNonFinite.isEmpty
    return equal
  }
}

/// One element, with both its values.
public struct WorstElement: Equatable, Sendable, Codable {
  /// The position along each axis.
  public let index: [Int]
  /// Its value in the reference.
  public let reference: Float
  /// Its value in the candidate.
  public let candidate: Float
}

/// How many elements are not finite, and where the first of them stand.
public struct NonFiniteCount: Equatable, Sendable, Codable {
  /// How many are not a number.
  public internal(set) var nan = 0
  /// How many are infinite, of either sign.
  public internal(set) var infinite = 0
  /// The position of the first NaN along each axis.
  public internal(set) var firstNaN: [Int]?
  /// The position of the first infinity along each axis.
  public internal(set) var firstInfinite: [Int]?

  /// Whether all are finite.
  public var isEmpty: Bool { nan == 0 && infinite == 0 }

  // Spelt so that snake_case is first_nan.
  private enum CodingKeys: String, CodingKey {
    case nan, infinite
    case firstNaN = "firstNan"
    case firstInfinite
  }
}

/// Counts what is not finite, by position in the array counted row-major.
struct NonFiniteTally: Equatable, Sendable {
  private var nan = 0
  private var infinite = 0
  private var firstNaN: Int?
  private var firstInfinite: Int?

  mutating func count(_ value: Float, at position: Int) {
    if value.isNaN {
      nan += 1
      firstNaN = firstNaN ?? position
    } else if value.isInfinite {
      infinite += 1
      firstInfinite = firstInfinite ?? position
    }
  }

  /// Adds what was counted in later elements.
  mutating func merge(_ next: NonFiniteTally) {
    nan += next.nan
    infinite += next.infinite
    firstNaN = firstNaN ?? next.firstNaN
    firstInfinite = firstInfinite ?? next.firstInfinite
  }

  /// What was counted in an array of that shape.
  func result(_ shape: Shape) -> NonFiniteCount {
    NonFiniteCount(
      nan: nan, infinite: infinite, firstNaN: firstNaN.map(shape.index(of:)),
      firstInfinite: firstInfinite.map(shape.index(of:)))
  }
}

extension Shape {
  /// The position along each axis of an element counted row-major.
  func index(of position: Int) -> [Int] {
    zip(extents, strides).map { $0 == 0 ? 0 : position / $1 % $0 }
  }
}
