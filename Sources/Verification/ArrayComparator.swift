import Tensors

/// Compares arrays by name, in pieces of bounded size.
public struct ArrayComparator: Sendable {
  /// What is near enough.
  public var tolerance: Tolerance
  /// The arrays that hold mask logits, of which sign flips are counted.
  public var maskNames: Set<String>
  /// How many elements of each side are in memory at a time.
  public var slabSize: Int

  /// A comparator.
  public init(tolerance: Tolerance = Tolerance(), maskNames: Set<String> = [], slabSize: Int = 1 << 20) {
    precondition(slabSize > 0, "slabs of \(slabSize) elements")
    self.tolerance = tolerance
    self.maskNames = maskNames
    self.slabSize = slabSize
  }

  /// Holds every array of the reference against the candidate's of the same name.
  ///
  /// - Throws: What reading throws.
  public func compare(_ reference: some NamedArrays, _ candidate: some NamedArrays) throws -> Comparison {
    let found = Dictionary(
      candidate.arrays.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let slabs = Slabs(size: slabSize)
    let compared = try reference.arrays.map { name, shape in
      let outcome: ArrayComparison.Outcome
      switch found[name] {
      case nil: outcome = .missing
      case shape: outcome = .matched(try metrics(name, shape, reference, candidate, slabs))
      case .some(let other): outcome = .shapeMismatch(candidate: other)
      }
      return ArrayComparison(name: name, shape: shape, outcome: outcome)
    }
    let expected = Set(reference.arrays.map(\.name))
    let extra = candidate.arrays.map(\.name).filter { !expected.contains($0) }
    return Comparison(tolerance: tolerance, arrays: compared, extra: extra)
  }

  private func metrics(
    _ name: String, _ shape: Shape, _ reference: some NamedArrays, _ candidate: some NamedArrays, _ slabs: Slabs
  ) throws -> ErrorMetrics {
    var accumulator = ErrorAccumulator(countsSignFlips: maskNames.contains(name))
    try slabs.forEach(name, count: shape.count, reference, candidate) { accumulator.add($0, $1) }
    var metrics = accumulator.metrics(shape)
    // The allowance depends on the whole reference, so flips beyond it take a second look.
    let allowance = tolerance.allowance(metrics.referenceMagnitude)
    if let flips = metrics.signFlips, flips.largestMagnitude > allowance {
      try slabs.forEach(name, count: shape.count, reference, candidate) { reference, candidate in
        for index in reference.indices
        where (reference[index] > 0) != (candidate[index] > 0) && Double(abs(reference[index])) > allowance {
          metrics.signFlips?.unexplainedFlips += 1
        }
      }
    }
    return metrics
  }
}

/// Memory for one piece of each side.
private final class Slabs {
  private let size: Int
  private let reference: UnsafeMutableBufferPointer<Float>
  private let candidate: UnsafeMutableBufferPointer<Float>

  init(size: Int) {
    self.size = size
    reference = .allocate(capacity: size)
    candidate = .allocate(capacity: size)
    reference.initialize(repeating: 0)
    candidate.initialize(repeating: 0)
  }

  deinit {
    reference.deallocate()
    candidate.deallocate()
  }

  /// Calls `body` with the same piece of both arrays, piece after piece.
  func forEach(
    _ name: String, count: Int, _ first: some NamedArrays, _ second: some NamedArrays,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) -> Void
  ) throws {
    for offset in stride(from: 0, to: count, by: size) {
      let length = min(size, count - offset)
      let expected = UnsafeMutableBufferPointer(rebasing: reference[..<length])
      let found = UnsafeMutableBufferPointer(rebasing: candidate[..<length])
      try first.read(name, from: offset, into: expected)
      try second.read(name, from: offset, into: found)
      body(UnsafeBufferPointer(expected), UnsafeBufferPointer(found))
    }
  }
}
