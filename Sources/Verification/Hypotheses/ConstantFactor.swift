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
