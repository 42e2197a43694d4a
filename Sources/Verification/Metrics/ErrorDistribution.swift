import CVector
import Foundation

/// How often absolute errors of each decade occur, over the elements that are finite on both sides.
public struct ErrorHistogram: Equatable, Sendable, Codable {
  /// The exponent of the lowest edge: 10^−12.
  public private(set) var lowestDecade = edgeExponents.lowerBound
  /// How many elements are equal.
  public internal(set) var equal = 0
  /// How many errors lie below the lowest edge, from each edge to the next, and from the highest edge on; an edge
  /// belongs to what is above it.
  public internal(set) var counts = [Int](repeating: 0, count: edges.count + 1)

  /// The decades that are told apart.
  private static let edgeExponents = -12...3
  /// Between which errors are counted: 10^−12, 10^−11 and so on to 10^3.
  public static let edges: [Double] = edgeExponents.map { pow(10, Double($0)) }

  /// How many elements were counted.
  public var total: Int { equal + counts.reduce(0, +) }

  /// Counts a block's errors, of which the largest is given.
  mutating func add(_ errors: UnsafeBufferPointer<Double>, largest: Double) {
    guard let base = errors.baseAddress, largest > 0 else {
      equal += errors.count
      return
    }
    let different = cvector_count_at_least(base, .leastNonzeroMagnitude, errors.count)
    equal += errors.count - different
    // From the top: errors lie in few decades, and most of the lower ones are empty.
    var above = 0
    for bucket in stride(from: Self.edges.count, to: 0, by: -1) where Self.edges[bucket - 1] <= largest {
      let reached = cvector_count_at_least(base, Self.edges[bucket - 1], errors.count)
      counts[bucket] += reached - above
      above = reached
      if reached == different { return }
    }
    counts[0] += different - above
  }

  mutating func merge(_ other: ErrorHistogram) {
    equal += other.equal
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
  }
}

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
