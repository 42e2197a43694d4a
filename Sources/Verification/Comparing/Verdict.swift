public import Taps
public import Traces

/// Two traces or sketches compared: what is off, and whether they are of the same run at all.
public struct Verdict: Equatable, Sendable {
  /// One trace, by where it lies and comes from.
  public struct Side: Equatable, Sendable, Codable {
    /// The trace's file.
    public let path: String
    /// Where it comes from; nil where a program of another kind dumped it, which doesn't say.
    public let provenance: Provenance?
    /// What precision its maker says it was computed in, where provenance doesn't.
    public let statedPrecision: String?

    /// A side.
    public init(path: String, provenance: Provenance?, statedPrecision: String? = nil) {
      self.path = path
      self.provenance = provenance
      self.statedPrecision = statedPrecision
    }

    /// What it was computed in.
    public var precision: String { provenance?.precision ?? statedPrecision ?? "float32" }
  }

  /// Something that should be the same in both traces and isn't.
  public struct Difference: Equatable, Sendable, Codable {
    /// The attribute, such as `input_sha256`.
    public let attribute: String
    /// Its value in the reference.
    public let reference: String
    /// Its value in the candidate.
    public let candidate: String
  }

  /// The trace that is taken to be right.
  public let reference: Side
  /// The trace that is held against it.
  public let candidate: Side
  /// What makes the comparison doubtful: another checkpoint, input, prompt or configuration. It does not fail for that.
  public let differences: [Difference]
  /// The comparison of what was recorded.
  public var comparison: Comparison
  /// Where the error begins, and what brings it about; nil where there is none, or nobody looked.
  public var divergence: FirstDivergence?

  /// A comparison made elsewhere.
  public init(
    reference: Side, candidate: Side, differences: [Difference], comparison: Comparison,
    divergence: FirstDivergence? = nil
  ) {
    self.divergence = divergence
    self.reference = reference
    self.candidate = candidate
    self.differences = differences
    self.comparison = comparison
  }

  /// Compares two traces.
  ///
  /// - Parameters:
  ///   - patterns: Which taps, by module path or whole name; all when there are none.
  ///   - policy: What is near enough; of its rules those count that are about the candidate's precision.
  ///   - heatMaps: Whether to find out where the errors are. Sketches don't say.
  /// - Throws: `HDF5Error` when a file turns out to be damaged.
  public init(
    reference: TraceReader, candidate: TraceReader, patterns: [TapPattern] = [],
    policy: TolerancePolicy = .fp32, heatMaps: Bool = false
  ) throws {
    try self.init(
      reference: .trace(reference), candidate: .trace(candidate), patterns: patterns, policy: policy,
      heatMaps: heatMaps)
  }

  /// Compares two recordings: arrays if both are traces, sketches otherwise.
  ///
  /// - Parameters:
  ///   - patterns: Which taps, by module path or whole name; all when there are none.
  ///   - policy: What is near enough; of its rules those count that are about the candidate's precision.
  ///   - heatMaps: Whether to find out where the errors are. Sketches don't say.
  ///   - agreement: Whether the runs are of the same thing, if that is known already.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, `TraceError.sketchedOtherwise` when both are sketches
  ///   and kept different elements.
  public init(
    reference: Recording, candidate: Recording, patterns: [TapPattern] = [],
    policy: TolerancePolicy = .fp32, heatMaps: Bool = false, agreement: Agreement? = nil
  ) throws {
    self.reference = Side(path: reference.path, provenance: reference.provenance)
    self.candidate = Side(path: candidate.path, provenance: candidate.provenance)
    let policy = policy.narrowed(to: candidate.provenance.precision)
    differences = try (agreement ?? Agreement(reference.provenance, candidate.provenance)).differences
    if case .trace(let first) = reference, case .trace(let second) = candidate {
      let masks = first.taps.map(\.name).filter(PredictedValue.lowResLogits.isTap)
      let comparator = ArrayComparator(policy: policy, maskNames: Set(masks), heatMaps: heatMaps)
      comparison = try comparator.compare(
        TraceArrays(first, patterns: patterns), TraceArrays(second, patterns: patterns))
    } else {
      comparison = try SketchComparator(reference: reference, candidate: candidate)
        .compare(patterns: patterns, policy: policy)
    }
  }

  /// Looks for where the error begins and for causes, which sketches don't hold enough for.
  ///
  /// - Parameter weights: The modules' parameters, if causes that need them shall be looked for, too.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, what keeps a parameter from being read.
  public mutating func explain(
    _ reference: Recording, _ candidate: Recording, weights: ModuleWeights? = nil
  ) throws {
    if case .trace(let first) = reference, case .trace(let second) = candidate {
      let evidence = DivergenceEvidence(
        TraceArrays(first), TraceArrays(second), policy: comparison.policy, weights: weights)
      divergence = try FirstDivergence(comparison, hints: evidence.hints)
    } else {
      divergence = FirstDivergence(comparison) { _ in [] }
    }
  }
}
