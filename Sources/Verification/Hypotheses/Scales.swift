import Foundation
import Tensors

/// Everything is multiplied by one number, or one number is added to everything.
struct ConstantFactor: Hypothesis {
  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape else { return [] }
    let sums = PairSums(evidence)
    let factor = sums.candidateSquares > 0 ? sums.product / sums.candidateSquares : 0
    let offset = sums.difference / Double(max(1, sums.count))
    return [
      factor == 0 || !factor.isFinite
        ? nil
        : evidence.hint(
          .constantFactor, "the candidate is the reference times \(Self.words(1 / factor))"
        ) { factor * Double($1[$0]) },
      evidence.hint(.constantOffset, "the candidate is the reference plus \(Self.words(-offset))") {
        Double($1[$0]) + offset
      },
    ].compactMap { $0 }
  }

  /// A number, with the fraction that it comes near, if that is a well-known one.
  static func words(_ number: Double) -> String {
    let text = String(format: "%.6g", number)
    let size = abs(number)
    for whole in [2.0, 3, 4, 8, 16, 32, 64, 100, 128, 255, 256] {
      if abs(size * whole - 1) < 1e-4 { return "\(text) (1/\(Int(whole)))" }
      let root = whole.squareRoot()
      guard root != root.rounded() else { continue }
      if abs(size * root - 1) < 1e-4 { return "\(text) (1/√\(Int(whole)))" }
      if abs(size / root - 1) < 1e-4 { return "\(text) (√\(Int(whole)))" }
    }
    return text
  }
}

/// Sums over the positions at which a hypothesis is tried.
private struct PairSums {
  var count = 0
  var product = 0.0
  var candidateSquares = 0.0
  /// Of reference − candidate.
  var difference = 0.0

  init(_ evidence: Evidence) {
    evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        for position in evidence.positions {
          let (expected, found) = (Double(reference[position]), Double(candidate[position]))
          count += 1
          product += expected * found
          candidateSquares += found * found
          difference += expected - found
        }
      }
    }
  }
}

/// Along one axis a vector was left out or added twice, or all but the bias is scaled.
struct MissingBias: Hypothesis {
  /// Without the bias itself, a vector is only believed in where each of its numbers is seen so often.
  private static let fewestRows = 8

  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape else { return [] }
    let extents = evidence.reference.shape.extents
    if let bias = evidence.weights["bias"], bias.shape.rank == 1 {
      let axes = extents.indices.filter { extents[$0] == bias.count }
      if let hint = axes.lazy.compactMap({ known(bias.elements, axis: $0, evidence) }).first { return [hint] }
    }
    for axis in extents.indices.reversed() where extents[axis] > 1 {
      guard evidence.positions.count >= Self.fewestRows * extents[axis] else { continue }
      if let hint = unknown(axis: axis, evidence) { return [hint] }
    }
    return []
  }

  private func known(_ bias: [Float], axis: Int, _ evidence: Evidence) -> Hint? {
    let (stride, extent) = (evidence.reference.shape.strides[axis], bias.count)
    func entry(_ position: Int) -> Double { Double(bias[position / stride % extent]) }
    if let hint = evidence.hint(
      .missingBias, "the candidate lacks the bias", { Double($1[$0]) + entry($0) })
    {
      return hint
    }
    if let hint = evidence.hint(
      .missingBias, "the candidate has the bias twice, or the reference lacks it",
      { Double($1[$0]) - entry($0) })
    {
      return hint
    }
    let factor = evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        var (product, squares) = (0.0, 0.0)
        for position in evidence.positions {
          let found = Double(candidate[position]) - entry(position)
          product += (Double(reference[position]) - entry(position)) * found
          squares += found * found
        }
        return squares > 0 ? product / squares : 0
      }
    }
    guard factor != 0, factor.isFinite, bias.contains(where: { $0 != 0 }) else { return nil }
    return evidence.hint(
      .scaledWeight,
      "without the bias, the candidate is the reference times \(ConstantFactor.words(1 / factor)): "
        + "the weight or the input is scaled"
    ) { entry($0) + factor * (Double($1[$0]) - entry($0)) }
  }

  /// A vector that the difference repeats all along the other axes.
  private func unknown(axis: Int, _ evidence: Evidence) -> Hint? {
    let (stride, extent) = (evidence.reference.shape.strides[axis], evidence.reference.shape[axis])
    var (sums, counts) = ([Double](repeating: 0, count: extent), [Int](repeating: 0, count: extent))
    evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        for position in evidence.positions {
          let entry = position / stride % extent
          sums[entry] += Double(reference[position]) - Double(candidate[position])
          counts[entry] += 1
        }
      }
    }
    guard counts.allSatisfy({ $0 >= Self.fewestRows / 2 }) else { return nil }
    let vector = zip(sums, counts).map { $0 / Double($1) }
    let mean = vector.reduce(0, +) / Double(extent)
    // One number for all is a constant offset.
    guard vector.contains(where: { abs($0 - mean) > evidence.tolerance * evidence.magnitude }) else {
      return nil
    }
    return evidence.hint(
      .missingBias,
      "the candidate differs by one vector of \(extent) along axis \(axis), as if a bias were missing or added twice"
    ) { Double($1[$0]) + vector[$0 / stride % extent] }
  }
}
