extension ErrorMetrics {
  /// The metrics of an array that equals the reference, given those of any other against the same reference.
  var ofEqualArrays: ErrorMetrics {
    var equal = self
    equal.maxAbsError = 0
    equal.meanAbsError = 0
    equal.relativeError = 0
    equal.cosineSimilarity = 1
    equal.pearson = 1
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
