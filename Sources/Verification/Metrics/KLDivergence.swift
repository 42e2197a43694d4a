import Foundation
import Tensors

/// How far the candidate's rows are from the reference's as probabilities: Σ r · ln(r / c) of each row, in nats.
///
/// An array is like probabilities when every row of the reference, along its last axis of at least two, is not negative
/// and adds up to 1 within a thousandth. The data decide, never the name. The candidate's elements count as at least
/// 2⁻¹²⁶, so that one that underflows does not make it infinite; rows with a NaN or an infinity are left out.
public struct KLDivergence: Equatable, Sendable, Codable {
  /// The mean over the rows.
  public let mean: Double
  /// The largest of a row.
  public let largest: Double
  /// How many rows were compared.
  public let rows: Int
}

/// Goes through two arrays row by row, as probabilities, as long as the reference's rows are such.
struct ProbabilityRows {
  /// By how much a row's sum may differ from 1.
  static let slack = 1e-3

  private let rowLength: Int
  private var reached = 0
  private var sum = 0.0
  private var divergence = 0.0
  private var isFinite = true
  private var rows = 0
  private var total = 0.0
  private var largest = 0.0

  private init(rowLength: Int) { self.rowLength = rowLength }

  /// The divergence of two arrays, or nil if a row of the reference is not like probabilities.
  static func divergence(of pair: ArrayPair) throws -> KLDivergence? {
    var rows = ProbabilityRows(rowLength: pair.shape[-1])
    var areProbabilities = true
    try pair.forEachPiece { reference, candidate in
      areProbabilities = areProbabilities && rows.add(reference, candidate)
      return areProbabilities
    }
    guard areProbabilities, rows.rows > 0 else { return nil }
    return KLDivergence(mean: rows.total / Double(rows.rows), largest: rows.largest, rows: rows.rows)
  }

  /// Adds the next elements; false once a row of the reference is not like probabilities.
  private mutating func add(
    _ reference: UnsafeBufferPointer<Float>, _ candidate: UnsafeBufferPointer<Float>
  ) -> Bool {
    for (expected, found) in zip(reference, candidate) {
      guard expected >= 0 else { return false }
      sum += Double(expected)
      if !found.isFinite { isFinite = false }
      if expected > 0 && isFinite {
        divergence += Double(expected) * log(Double(expected) / Double(max(found, .leastNormalMagnitude)))
      }
      reached += 1
      if reached == rowLength {
        guard abs(sum - 1) <= Self.slack else { return false }
        endRow()
      }
    }
    return true
  }

  private mutating func endRow() {
    if isFinite {
      largest = rows == 0 ? divergence : max(largest, divergence)
      rows += 1
      total += divergence
    }
    (reached, sum, divergence, isFinite) = (0, 0, 0, true)
  }
}
