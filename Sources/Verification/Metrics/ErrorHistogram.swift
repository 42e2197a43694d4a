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
