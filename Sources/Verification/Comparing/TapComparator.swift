public import Taps
public import Tensors
import Traces

/// The comparing engine: holds what a candidate has against a reference, tap by tap.
///
/// Sides differ, this doesn't. A reference is any source. A candidate is another one, all of it at once, or a run that
/// offers tensors while it is made (`LiveComparison`). Where both have elements those are compared, in pieces of bounded
/// size and on several threads; where one is a sketch, sketches are.
public struct TapComparator: Sendable {
  /// About how many elements of each side are worked on at a time, by default.
  public static let defaultSlabSize = 1 << 22

  /// The side that is taken to be right.
  public let reference: any TapSource
  /// What of the reference has to be there, in its order.
  public let expected: [SourceArray]
  /// What is near enough.
  public let policy: TolerancePolicy
  private let shapes: [TapID: Shape]
  private let keeps: @Sendable (TapID) -> Bool
  private let heatMaps: Bool
  private let slabSize: Int

  /// A comparator.
  ///
  /// - Parameters:
  ///   - policy: What is near enough.
  ///   - keeps: Which taps are compared; of the others nothing is said.
  ///   - heatMaps: Whether to find out where the errors are. Sketches don't say.
  ///   - slabSize: About how many elements of each side are worked on before their results are joined.
  public init(
    _ reference: any TapSource, policy: TolerancePolicy, heatMaps: Bool = false,
    slabSize: Int = defaultSlabSize, keeps: @escaping @Sendable (TapID) -> Bool = { _ in true }
  ) {
    precondition(slabSize > 0, "slabs of \(slabSize) elements")
    self.reference = reference
    self.policy = policy
    self.keeps = keeps
    self.heatMaps = heatMaps
    self.slabSize = slabSize
    expected = reference.arrays.filter { keeps($0.id) }
    shapes = Dictionary(expected.map { ($0.id, $0.shape) }) { first, _ in first }
  }

  /// The shape that a tap has in the reference; nil if it isn't to be compared.
  public func shape(of id: TapID) -> Shape? { shapes[id] }

  /// Whether an array that the candidate has is worth a mention because the reference has none.
  func isExtra(_ id: TapID) -> Bool { shapes[id] == nil && keeps(id) }

  /// Holds every array of the reference against the candidate's of the same tap.
  ///
  /// - Parameter wholes: The modules that the candidate's maker ran as one, so that there is nothing to see inside.
  /// - Throws: What reading throws, `TraceError.sketchedOtherwise` when both are sketches and kept different elements.
  public func compare(_ candidate: any TapSource, wholes: Set<ModulePath> = []) throws -> Comparison {
    let offered = Dictionary(candidate.arrays.map { ($0.id, $0.shape) }) { first, _ in first }
    var found = Findings(wholes: wholes)
    for array in expected {
      guard let shape = offered[array.id] else { continue }
      let (outcome, heatMap) = try finding(array.id, shape: shape, of: .source(candidate))
      found.outcomes[array.id] = outcome
      found.heatMaps[array.id] = heatMap
    }
    found.extra = candidate.arrays.map(\.id).filter(isExtra)
    return comparison(found)
  }

  /// What one array of a candidate is held against the reference by.
  enum Offered {
    /// One of a source's.
    case source(any TapSource)
    /// A tensor that was just made.
    case tensor(Tensor)
  }

  /// What becomes of one array of the reference, of which the candidate's has that shape.
  func finding(
    _ id: TapID, shape: Shape, of candidate: Offered
  ) throws -> (outcome: ArrayComparison.Outcome, heatMap: HeatMap?) {
    guard let expected = shapes[id] else { return (.missing, nil) }
    guard expected == shape else { return (.shapeMismatch(candidate: shape), nil) }
    let (metrics, heatMap) = try metrics(SourceArray(id, shape), candidate)
    return (.matched(metrics), heatMap)
  }

  /// How far an array is off whose shape is the reference's, and where.
  func metrics(_ array: SourceArray, _ candidate: Offered) throws -> (ErrorMetrics, HeatMap?) {
    if let sketching = reference.sketching ?? candidate.sketching {
      let expected = try reference.sketch(of: array, sketching)
      let found = try candidate.sketch(of: array, sketching)
      return (ErrorMetrics(expected, found, shape: array.shape, seed: sketching.seed), nil)
    }
    let pair = ArrayPair(
      shape: array.shape, reference: try expectedSide(array, candidate), candidate: candidate.side(array))
    return try pair.metrics(
      isMask: array.id.predicted == .lowResLogits, heatMap: heatMaps, slabSize: slabSize)
  }

  /// The reference's array. Beside a tensor it is looked at in the file's own pages where that is possible, beside another
  /// file's it is read past the page table into pieces that the cache holds.
  private func expectedSide(_ array: SourceArray, _ candidate: Offered) throws -> ArrayPair.Side {
    if case .tensor = candidate, let mapped = try reference.mapped(array.id) { return .held(mapped) }
    return Offered.source(reference).side(array)
  }

  /// What was found so far, by tap.
  struct Findings {
    /// The modules that ran as one.
    var wholes: Set<ModulePath> = []
    /// What became of arrays that the candidate has.
    var outcomes: [TapID: ArrayComparison.Outcome] = [:]
    /// How far off modules are on recorded inputs.
    var isolated: [TapID: ErrorMetrics] = [:]
    /// Where errors are.
    var heatMaps: [TapID: HeatMap] = [:]
    /// What only the candidate has.
    var extra: [TapID] = []
  }

  /// What was found as a comparison, in the reference's order: what the candidate didn't have is missing, or fused if its
  /// module lies inside one that ran as one.
  func comparison(_ found: Findings) -> Comparison {
    func absent(_ id: TapID) -> ArrayComparison.Outcome {
      guard let module = id.module else { return .missing }
      let around = found.wholes.filter(module.isInside).min { $0.name.count < $1.name.count }
      return around.map { .fused(into: $0) } ?? .missing
    }
    let arrays = expected.map { array in
      ArrayComparison(
        id: array.id, shape: array.shape, outcome: found.outcomes[array.id] ?? absent(array.id),
        isolated: found.isolated[array.id], heatMap: found.heatMaps[array.id])
    }
    return Comparison(policy: policy, arrays: arrays, extra: found.extra)
  }
}

extension TapComparator.Offered {
  /// How it was sketched, if it has no elements.
  fileprivate var sketching: Sketching? {
    if case .source(let source) = self { source.sketching } else { nil }
  }

  fileprivate func sketch(of array: SourceArray, _ sketching: Sketching) throws -> Sketch {
    switch self {
    case .source(let source): try source.sketch(of: array, sketching)
    case .tensor(let tensor): Sketch(of: tensor, sketching)
    }
  }

  fileprivate func side(_ array: SourceArray) -> ArrayPair.Side {
    switch self {
    case .source(let source): .read { try source.read(array.id, from: $0, into: $1) }
    case .tensor(let tensor): .held(tensor)
    }
  }
}
