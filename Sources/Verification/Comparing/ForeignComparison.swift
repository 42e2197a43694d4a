import Tensors
public import Taps
public import Traces

extension Verdict {
  /// Holds arrays of any origin, under the names of taps, against a recording: arrays if that is a trace, sketches
  /// otherwise.
  ///
  /// - Parameters:
  ///   - path: Where the arrays come from.
  ///   - precision: What they were computed in.
  ///   - keeps: Which of the recording's taps have to be there.
  ///   - policy: What is near enough; of its rules those count that are about the precision.
  ///   - heatMaps: Whether to find out where the errors are. Sketches don't say.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, and what reading the candidate throws.
  public init(
    reference: Recording, candidate: some NamedArrays, path: String, precision: String = "float32",
    keeps: (Tap) -> Bool = { _ in true }, policy: TolerancePolicy = .fp32, heatMaps: Bool = false
  ) throws {
    let policy = policy.narrowed(to: precision)
    let kept = reference.taps.filter(keeps)
    let left = Set(reference.taps.map(\.name)).subtracting(kept.map(\.name))
    let offered = SelectedArrays(candidate) { !left.contains($0) }
    let comparison: Comparison
    switch reference {
    case .trace(let reader):
      let names = Set(kept.map(\.name))
      let comparator = ArrayComparator(
        policy: policy, maskNames: names.filter(PredictedValue.lowResLogits.isTap), heatMaps: heatMaps)
      comparison = try comparator.compare(SelectedArrays(TraceArrays(reader)) { names.contains($0) }, offered)
    case .sketch(let reader):
      comparison = try Self.comparison(reader, kept, offered, policy)
    }
    self.init(
      reference: Side(path: reference.path, provenance: reference.provenance),
      candidate: Side(path: path, provenance: nil, statedPrecision: precision), differences: [],
      comparison: comparison)
  }

  /// Holds arrays of any origin against others, by their names.
  ///
  /// - Parameters:
  ///   - precision: What the candidate was computed in.
  ///   - keeps: Which of the reference's arrays have to be there.
  /// - Throws: What reading throws.
  public init(
    reference: some NamedArrays, at referencePath: String, candidate: some NamedArrays, at path: String,
    precision: String = "float32", keeps: (String) -> Bool = { _ in true }, policy: TolerancePolicy = .fp32,
    heatMaps: Bool = false
  ) throws {
    let comparator = ArrayComparator(
      policy: policy.narrowed(to: precision),
      maskNames: Set(reference.arrays.map(\.name).filter(PredictedValue.lowResLogits.isTap)),
      heatMaps: heatMaps)
    self.init(
      reference: Side(path: referencePath, provenance: nil),
      candidate: Side(path: path, provenance: nil, statedPrecision: precision),
      differences: [],
      comparison: try comparator.compare(
        SelectedArrays(reference, where: keeps), SelectedArrays(candidate, where: keeps)))
  }

  /// Looks for where the error begins and for causes, where there are arrays on both sides.
  ///
  /// - Parameter weights: The modules' parameters, if causes that need them shall be looked for, too.
  /// - Throws: What reading throws.
  public mutating func explain(
    _ reference: (any NamedArrays)?, _ candidate: (any NamedArrays)?, weights: ModuleWeights? = nil
  ) throws {
    guard let reference, let candidate else {
      divergence = FirstDivergence(comparison) { _ in [] }
      return
    }
    func find(_ reference: some NamedArrays, _ candidate: some NamedArrays) throws -> FirstDivergence? {
      let evidence = DivergenceEvidence(reference, candidate, policy: comparison.policy, weights: weights)
      return try FirstDivergence(comparison, hints: evidence.hints)
    }
    divergence = try find(reference, candidate)
  }

  /// Sketches the arrays that a sketch tells of, one after the other.
  private static func comparison(
    _ reference: SketchReader, _ kept: [Tap], _ candidate: some NamedArrays, _ policy: TolerancePolicy
  ) throws -> Comparison {
    let found = Dictionary(candidate.arrays.map { ($0.name, $0.shape) }) { first, _ in first }
    let arrays = try kept.map { tap in
      let outcome: ArrayComparison.Outcome
      switch found[tap.name] {
      case nil: outcome = .missing
      case tap.shape:
        let sketch = try candidate.sketch(
          of: tap.name, count: tap.shape.count, seed: reference.seed, samples: reference.sampleCount)
        outcome = .matched(
          ErrorMetrics(try reference.sketch(of: tap.name), sketch, shape: tap.shape, seed: reference.seed))
      case .some(let other): outcome = .shapeMismatch(candidate: other)
      }
      return ArrayComparison(name: tap.name, shape: tap.shape, outcome: outcome)
    }
    let names = Set(kept.map(\.name))
    return Comparison(
      policy: policy, arrays: arrays, extra: candidate.arrays.map(\.name).filter { !names.contains($0) })
  }
}

/// Some of others' arrays.
private struct SelectedArrays<Base: NamedArrays>: NamedArrays {
  let arrays: [(name: String, shape: Shape)]
  private let base: Base

  init(_ base: Base, where keeps: (String) -> Bool) {
    self.base = base
    arrays = base.arrays.filter { keeps($0.name) }
  }

  func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    try base.read(name, from: offset, into: buffer)
  }
}

extension NamedArrays {
  /// Elements that are in memory at a time; a multiple of what a sketcher takes at once.
  private static var slab: Int { 1 << 20 }

  fileprivate func sketch(of name: String, count: Int, seed: UInt64, samples: Int) throws -> Sketch {
    var sketcher = Sketcher(count: count, seed: seed, samples: samples)
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(count, Self.slab))
    defer { memory.deallocate() }
    for offset in stride(from: 0, to: count, by: Self.slab) {
      let piece = UnsafeMutableBufferPointer(rebasing: memory[..<min(Self.slab, count - offset)])
      try read(name, from: offset, into: piece)
      sketcher.add(UnsafeBufferPointer(piece))
    }
    return sketcher.sketch
  }
}
