import Tensors

/// Compares arrays by name, in pieces of bounded size, on several threads.
public struct ArrayComparator: Sendable {
  /// About how many elements of each side are worked on at a time, by default.
  public static let defaultSlabSize = 1 << 22

  /// What is near enough.
  public var policy: TolerancePolicy
  /// The arrays that hold mask logits, which are compared as masks too.
  public var maskNames: Set<String>
  /// Whether to find out where the errors are.
  public var heatMaps: Bool
  /// About how many elements of each side are worked on before their results are joined.
  public var slabSize: Int

  /// A comparator.
  public init(
    policy: TolerancePolicy = .fp32, maskNames: Set<String> = [], heatMaps: Bool = false,
    slabSize: Int = defaultSlabSize
  ) {
    precondition(slabSize > 0, "slabs of \(slabSize) elements")
    self.policy = policy
    self.maskNames = maskNames
    self.heatMaps = heatMaps
    self.slabSize = slabSize
  }

  /// Holds every array of the reference against the candidate's of the same name.
  ///
  /// - Throws: What reading throws.
  public func compare(_ reference: some NamedArrays, _ candidate: some NamedArrays) throws -> Comparison {
    let found = Dictionary(
      candidate.arrays.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let compared = try reference.arrays.map { name, shape in
      switch found[name] {
      case nil: return ArrayComparison(name: name, shape: shape, outcome: .missing)
      case shape: return try compare(name, shape, reference, candidate)
      case .some(let other):
        return ArrayComparison(name: name, shape: shape, outcome: .shapeMismatch(candidate: other))
      }
    }
    let expected = Set(reference.arrays.map(\.name))
    let extra = candidate.arrays.map(\.name).filter { !expected.contains($0) }
    return Comparison(policy: policy, arrays: compared, extra: extra)
  }

  private func compare(
    _ name: String, _ shape: Shape, _ reference: some NamedArrays, _ candidate: some NamedArrays
  ) throws -> ArrayComparison {
    let pair = ArrayPair(
      shape: shape, reference: .read { try reference.read(name, from: $0, into: $1) },
      candidate: .read { try candidate.read(name, from: $0, into: $1) })
    let (metrics, heatMap) = try pair.metrics(
      isMask: maskNames.contains(name), heatMap: heatMaps, slabSize: slabSize)
    return ArrayComparison(name: name, shape: shape, outcome: .matched(metrics), heatMap: heatMap)
  }
}
