import Foundation

/// Errors in units in the last place: each as a multiple of the distance from the reference's element to the next
/// Float32.
///
/// Near zero that distance shrinks without end, while an element that is a difference of large terms keeps their
/// rounding errors. So elements nearer to zero than `nearZero` are measured by the distance at `nearZero`, which is the
/// power of two a thousandth (2⁻¹⁰) of the one in the array's largest magnitude; the candidate's where the reference is
/// all zeros.
public struct ULPDistance: Equatable, Sendable, Codable {
  /// The largest.
  public let largest: Double
  /// The mean.
  public let mean: Double
  /// Below which magnitude the distance between neighbours is taken to be what it is here; 0 where all are zeros.
  public let nearZero: Double

  /// How many powers of two lie between the largest magnitude's and `nearZero`.
  static let nearZeroDepth = 10
}

/// Errors by the exponent of the reference's element. In what unit the small ones count is known only at the end.
struct ExponentTable: Sendable {
  private static let exponents = 256
  /// Eight for each exponent.
  private static let ways = 8
  /// In turns a sum and the largest.
  private var table = [Double](repeating: 0, count: exponents * ways * 2)

  /// Lets a vector loop add to it.
  mutating func update(_ body: (UnsafeMutablePointer<Double>) -> Void) {
    table.withUnsafeMutableBufferPointer { table in if let base = table.baseAddress { body(base) } }
  }

  mutating func merge(_ other: ExponentTable) {
    for place in stride(from: 0, to: table.count, by: 2) {
      table[place] += other.table[place]
      table[place + 1] = max(table[place + 1], other.table[place + 1])
    }
  }

  /// The errors of `count` elements in units, in an array of that largest magnitude.
  func distance(count: Int, magnitude: Float) -> ULPDistance {
    guard count > 0, magnitude > 0 else { return ULPDistance(largest: 0, mean: 0, nearZero: 0) }
    let nearZero = max(1, Int(magnitude.exponentBitPattern) - ULPDistance.nearZeroDepth)
    var (sum, top) = (0.0, 0.0)
    for exponent in 0..<Self.exponents {
      // Between 2^(e − 127) and twice that, neighbours lie 2^(e − 127 − 23) apart.
      let unit = scalbn(1.0, max(exponent, nearZero) - 150)
      for place in exponent * Self.ways..<(exponent + 1) * Self.ways {
        sum += table[2 * place] / unit
        top = max(top, table[2 * place + 1] / unit)
      }
    }
    return ULPDistance(largest: top, mean: sum / Double(count), nearZero: scalbn(1.0, nearZero - 127))
  }
}
