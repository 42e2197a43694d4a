import Tensors

/// Forms that an operation can have, worked out at some positions of its result. A port has the wrong one if the
/// reference fits one form and the candidate another.
struct AlternativeForms {
  /// One form of the operation.
  struct Form {
    /// Its name, as in "with the weight transposed".
    let name: String
    /// Its result at every position.
    let values: [Double]
  }

  let positions: [Int]
  let forms: [Form]

  /// The hint, if the reference fits one form and the candidate another.
  func hint(_ cause: Hint.Cause, _ operation: String, _ evidence: Evidence) -> Hint? {
    guard positions.count >= Evidence.fewestElements, evidence.hasOneShape else { return nil }
    let (reference, candidate) = evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        (positions.map { Double(reference[$0]) }, positions.map { Double(candidate[$0]) })
      }
    }
    guard let expected = nearest(reference), let found = nearest(candidate), expected.form != found.form,
      expected.error <= evidence.tolerance * evidence.magnitude
    else { return nil }
    return evidence.hint(
      cause,
      "\(operation): the candidate fits \(forms[found.form].name), the reference \(forms[expected.form].name)",
      before: Self.distance(reference, candidate) / evidence.magnitude,
      after: found.error / evidence.magnitude)
  }

  /// The form that is nearest to some elements, and how far it is from them.
  private func nearest(_ elements: [Double]) -> (form: Int, error: Double)? {
    forms.indices.map { (form: $0, error: Self.distance(elements, forms[$0].values)) }
      .filter { $0.error.isFinite }.min { $0.error < $1.error }
  }

  /// The largest difference; infinite where one is no number.
  private static func distance(_ first: [Double], _ second: [Double]) -> Double {
    zip(first, second).reduce(0) { largest, pair in
      let difference = abs(pair.0 - pair.1)
      return difference.isNaN ? .infinity : max(largest, difference)
    }
  }
}
