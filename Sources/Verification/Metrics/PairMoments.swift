import CVector

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

  /// The cosine of the angle between the two; 1 where both are all zeros, 0 where one is.
  var cosine: Double {
    Self.correlation(
      product + count * meanReference * meanCandidate, referenceEnergy,
      squaredCandidate + count * meanCandidate * meanCandidate)
  }

  /// Pearson's coefficient; 1 where neither varies, 0 where one does.
  var pearson: Double { Self.correlation(product, squaredReference, squaredCandidate) }

  private static func correlation(_ product: Double, _ first: Double, _ second: Double) -> Double {
    guard first > 0 && second > 0 else { return first == second ? 1 : 0 }
    return min(1, max(-1, product / (first * second).squareRoot()))
  }
}
