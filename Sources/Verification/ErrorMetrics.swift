/// How far an array is from its reference. Where both elements are finite, they are compared; elsewhere they must
/// agree in being NaN, or the same infinity.
///
/// Of sketches, `maxAbsError`, `meanAbsError` and `worst` are those of the samples, cosine and SQNR are estimated from
/// projections, and `relativeError` is the largest of `sketch`.
public struct ErrorMetrics: Equatable, Sendable, Codable {
  /// How many elements each array has.
  public let count: Int
  /// The largest |reference − candidate|.
  public let maxAbsError: Double
  /// The mean of |reference − candidate|.
  public let meanAbsError: Double
  /// The largest |reference|.
  public let referenceMagnitude: Double
  /// `maxAbsError / referenceMagnitude`, or `maxAbsError` where the reference is all zeros.
  public let relativeError: Double
  /// The cosine of the angle between the two as vectors; 1 where both are all zeros, 0 where one is.
  public let cosineSimilarity: Double
  /// Signal to noise, 10 · log10(Σ reference² / Σ (reference − candidate)²), in dB; infinite where equal.
  public let sqnrDecibels: Double
  /// What is not a finite number in the reference.
  public let referenceNonFinite: NonFiniteCount
  /// What is not a finite number in the candidate.
  public let candidateNonFinite: NonFiniteCount
  /// At how many positions one is NaN or infinite and the other is not the same.
  public let nonFiniteMismatches: Int
  /// The element furthest off, or the first non-finite mismatch; nil where all are equal.
  public let worst: WorstElement?
  /// For mask logits: how many pixels change sides.
  public internal(set) var signFlips: SignFlips?
  /// Of what `relativeError` is the largest, where sketches were compared.
  public internal(set) var sketch: SketchErrors?

  /// The smallest relative tolerance under which this passes; infinite where no tolerance helps.
  public var smallestPassingTolerance: Double { nonFiniteMismatches > 0 ? .infinity : relativeError }
}

/// How many elements are not finite.
public struct NonFiniteCount: Equatable, Sendable, Codable {
  /// How many are not a number.
  public internal(set) var nan = 0
  /// How many are infinite, of either sign.
  public internal(set) var infinite = 0

  mutating func count(_ value: Float) {
    if value.isNaN { nan += 1 } else if value.isInfinite { infinite += 1 }
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

/// Mask pixels that are on in one array and off in the other: logits above zero are on.
///
/// A pixel can only flip if its error is at least as large as its reference logit. So flips close to zero are what
/// the tolerance allows, and flips further out are not.
public struct SignFlips: Equatable, Sendable, Codable {
  /// How many pixels flip.
  public let signFlips: Int
  /// How many of them have a reference further from zero than the tolerance lets an element move.
  public internal(set) var unexplainedFlips: Int
  /// The largest |reference| among those that flip.
  public let largestMagnitude: Double
}
