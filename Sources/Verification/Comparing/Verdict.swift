public import Taps
public import Tensors
public import Traces

/// What comes of holding one side against another: what is off, where that begins, and whether they are of the same run
/// at all.
public struct Verdict: Equatable, Sendable {
  /// One side, by where it lies and comes from.
  public struct Side: Equatable, Sendable, Codable {
    /// Its file.
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

  /// The side that is taken to be right.
  public let reference: Side
  /// The side that is held against it.
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

  /// Compares two sources.
  ///
  /// - Parameters:
  ///   - policy: What is near enough; of its rules those count that are about the candidate's precision.
  ///   - heatMaps: Whether to find out where the errors are. Sketches don't say.
  ///   - agreement: Whether both are of the same thing, if that is known already.
  ///   - wholes: The modules that the candidate's maker ran as one.
  ///   - keeps: Which taps are compared.
  /// - Throws: What reading throws, such as `HDF5Error` when a file turns out to be damaged;
  ///   `TraceError.sketchedOtherwise` when both are sketches and kept different elements.
  public init(
    reference: any TapSource, candidate: any TapSource, policy: TolerancePolicy, heatMaps: Bool = false,
    agreement: Agreement? = nil, wholes: Set<ModulePath> = [],
    keeps: @escaping @Sendable (TapID) -> Bool = { _ in true }
  ) throws {
    let (first, second) = (reference.side, candidate.side)
    if let expected = first.provenance, let found = second.provenance {
      differences = try (agreement ?? Agreement(expected, found)).differences
    } else {
      differences = []
    }
    let comparator = TapComparator(
      reference, policy: policy.narrowed(to: second.precision), heatMaps: heatMaps, keeps: keeps)
    self.reference = first
    self.candidate = second
    comparison = try comparator.compare(candidate, wholes: wholes)
  }

  /// Looks for where the error begins and for causes, which sketches don't hold enough for.
  ///
  /// - Parameter weights: The modules' parameters, if causes that need them shall be looked for, too.
  /// - Throws: What reading throws, and what keeps a parameter from being read.
  public mutating func explain(
    _ reference: any TapSource, _ candidate: any TapSource, weights: ModuleWeights? = nil
  ) throws {
    guard reference.sketching == nil, candidate.sketching == nil else {
      divergence = FirstDivergence(comparison) { _ in [] }
      return
    }
    let evidence = DivergenceEvidence(reference, candidate, policy: comparison.policy, weights: weights)
    divergence = try FirstDivergence(comparison, hints: evidence.hints)
  }
}
