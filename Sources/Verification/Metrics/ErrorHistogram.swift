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
    var below = cvector_count_at_least(base, .leastNonzeroMagnitude, errors.count)
    equal += errors.count - below
    for (bucket, edge) in Self.edges.enumerated() {
      let above = edge > largest ? 0 : cvector_count_at_least(base, edge, errors.count)
      counts[bucket] += below - above
      below = above
      if above == 0 { return }
    }
    counts[Self.edges.count] += below
  }

  mutating func merge(_ other: ErrorHistogram) {
    equal += other.equal
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
  }
}
