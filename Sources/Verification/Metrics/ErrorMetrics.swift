/// How far an array is from its reference. Where both elements are finite, they are compared; elsewhere they must
/// agree in being NaN, or the same infinity.
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
  /// The cosine of the angle between the two as vectors; 1 where both are all zeros, 0 where one is.
  public internal(set) var cosineSimilarity: Double
  /// Pearson's correlation coefficient: the cosine once each array's mean is taken off it. Where neither varies it is 1,
  /// where one does 0.
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
  public var smallestPassingTolerance: Double { nonFiniteMismatches > 0 ? .infinity : relativeError }

  /// Whether there is a NaN or an infinity on either side.
  public var hasNonFinite: Bool { !referenceNonFinite.isEmpty || !candidateNonFinite.isEmpty }
}
