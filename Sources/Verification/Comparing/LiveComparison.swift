import Synchronization
public import Tensors
public import Taps
public import Traces

/// Holds a run against a recording while it is made: every array is compared as it is offered, nothing is stored.
///
/// As taps' isolator it also compares what modules make of recorded values.
public final class LiveComparison: TapWriter, CallIsolator {
  private let reference: Recording
  private let policy: TolerancePolicy
  /// A trace's arrays; nil for a sketch.
  private let arrays: RecordedCalls?
  private let isolates: Bool
  private let weights: ModuleWeights?
  private let keepsPictures: Bool
  /// What is compared, in order.
  private let expected: [Tap]
  private let taps: [String: Tap]
  private let calls: Set<CallID>
  private let state = Mutex(State())

  private struct State {
    var outcomes: [String: ArrayComparison.Outcome] = [:]
    var isolated: [String: ErrorMetrics] = [:]
    var extra: [String] = []
    /// The calls whose inputs, or outputs, are recorded in the shapes that they have here.
    var fittingInputs: Set<CallID> = []
    var fittingOutputs: Set<CallID> = []
    var recent = RecentComparisons()
    var hints: [String: [Hint]] = [:]
    var heatMaps: [String: HeatMap] = [:]
    /// The same by where the recording has the array, for those that stand under several names.
    var knownHeatMaps: [UInt64: HeatMap] = [:]
    var masks: [String: Tensor] = [:]
    /// Whether causes were looked for already, for what is off in the run and for what is off by itself.
    var hasDiverged = false
    var hasIntroduced = false
    var failure: (any Error)?
  }

  /// - Parameters:
  ///   - reference: What was recorded; for isolation a trace, as a sketch holds no arrays to feed modules with.
  ///   - patterns: Which taps to compare, by module path or whole name; all when there are none.
  ///   - policy: What is near enough.
  ///   - isolates: Whether modules are run on recorded inputs, too.
  ///   - weights: The model's parameters, to look for causes in.
  ///   - keepsPictures: Whether to find out where errors are, and to keep the first masks to be looked at.
  public init(
    reference: Recording, patterns: [TapPattern] = [], policy: TolerancePolicy, isolates: Bool = false,
    weights: ModuleWeights? = nil, keepsPictures: Bool = false
  ) {
    self.keepsPictures = keepsPictures
    self.reference = reference
    self.policy = policy
    self.weights = weights
    if case .trace(let reader) = reference { arrays = RecordedCalls(reader) } else { arrays = nil }
    self.isolates = isolates && arrays != nil
    expected = reference.taps.filter { tap in patterns.isEmpty || patterns.contains { tap.matches($0) } }
    taps = Dictionary(expected.map { ($0.name, $0) }) { first, _ in first }
    calls = Set(expected.compactMap(\.call))
  }

  /// Taps that this verifier is shown to, besides other writers.
  ///
  /// - Parameter writers: What the run is recorded by as well.
  public func makeTaps(_ writers: [any TapWriter] = []) -> Taps {
    Taps(writers: [self] + writers, isolator: isolates ? self : nil)
  }

  /// Whether a prediction or another array of that name is to be compared.
  public func expects(_ name: String) -> Bool { taps[name] != nil }

  // MARK: What the run offers

  /// Whether a call was recorded.
  public func wants(_ call: CallID) -> Bool { calls.contains(call) || isolates && arrays?[call] != nil }

  /// Compares what went into and came out of a call.
  public func write(
    _ module: ModulePath, call number: Int, sequence: Int, at place: TapPlace,
    inputs: [(String, any TapValue)], output: any TapValue
  ) throws {
    let call = CallID(module, number)
    try attempt {
      let recorded = arrays?[call]
      var fits = true
      for (parameter, value) in inputs {
        try value.visitTensors(named: "input/\(parameter)") { name, tensor in
          fits = fits && recorded?.shape(name) == tensor.shape
          try compare("\(call)/\(name)", tensor)
        }
      }
      if fits { state.withLock { _ = $0.fittingInputs.insert(call) } }
      fits = true
      try output.visitTensors(named: "output") { name, tensor in
        fits = fits && recorded?.shape(name) == tensor.shape
        try compare("\(call)/\(name)", tensor)
      }
      if fits { state.withLock { _ = $0.fittingOutputs.insert(call) } }
    }
  }

  /// Compares one of the run's predictions.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {
    try write(tensor, as: prediction.tapName(at: place))
  }

  /// Compares an array of the run with the recorded one of that name.
  ///
  /// - Throws: What reading the recording throws.
  public func write(_ tensor: Tensor, as name: String) throws { try attempt { try compare(name, tensor) } }

  /// Throws what went wrong first.
  public func finish() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }

  // MARK: What isolation asks and offers

  /// What was recorded of a call, if the module can be run on it and something of the call is compared.
  public func inputs(of call: CallID) -> RecordedCall? {
    guard calls.contains(call), state.withLock({ $0.fittingInputs.contains(call) }) else { return nil }
    return arrays?[call]
  }

  /// What was recorded of a call, if it can stand in for the module.
  public func outputs(of call: CallID) -> RecordedCall? {
    state.withLock { $0.fittingOutputs.contains(call) } ? arrays?[call] : nil
  }

  /// Compares what a module made of recorded inputs.
  public func take(isolated output: any TapValue, of call: CallID) {
    try? attempt { try output.visitTensors(named: "\(call)/output") { try isolate($0, $1) } }
  }

  /// Compares what a module on recorded values gave to a call inside.
  public func take(isolated inputs: [(String, any TapValue)], of call: CallID, in module: ModulePath) {
    try? attempt {
      for (parameter, value) in inputs {
        try value.visitTensors(named: "\(call)/input/\(parameter)") { try isolate($0, $1) }
      }
    }
  }

  /// Keeps the first failure for `finish`.
  public func take(failure: any Error) { state.withLock { $0.failure = $0.failure ?? failure } }

  // MARK: What was found

  /// Every array of the recording, held against the run.
  public var comparison: Comparison {
    state.withLock { state in
      Comparison(
        policy: policy,
        arrays: expected.map { tap in
          ArrayComparison(
            name: tap.name, shape: tap.shape, outcome: state.outcomes[tap.name] ?? .missing,
            isolated: state.isolated[tap.name], heatMap: state.heatMaps[tap.name])
        }, extra: state.extra)
    }
  }

  /// The run's mask logits, as many as are kept to be looked at.
  public var masks: some NamedArrays { HeldArrays(tensors: state.withLock { $0.masks }) }

  /// Where the run first leaves the recording, and why; nil where it doesn't.
  public var divergence: FirstDivergence? {
    let hints = state.withLock { $0.hints }
    return FirstDivergence(comparison) { hints[$0] ?? [] }
  }

  private func attempt(_ body: () throws -> Void) throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
    do { try body() } catch {
      take(failure: error)
      throw error
    }
  }

  /// Arrays of masks that are kept at most.
  private static let mostMasks = 48

  private func compare(_ name: String, _ tensor: Tensor) throws {
    guard let tap = taps[name] else {
      // What the patterns leave out isn't extra.
      let isRecorded = CallID(ofTap: name).map { calls.contains($0) } ?? false
      if isRecorded, expected.count == reference.taps.count { state.withLock { $0.extra.append(name) } }
      return
    }
    guard tap.shape == tensor.shape else {
      let isFirst = state.withLock { state in
        defer { state.hasDiverged = true }
        state.outcomes[name] = .shapeMismatch(candidate: tensor.shape)
        return !state.hasDiverged
      }
      if isFirst { try lookForCauses(tap, tensor) }
      return
    }
    let known = state.withLock { state in
      state.recent.metrics(tap.address, tensor).map { ($0, tap.address.flatMap { state.knownHeatMaps[$0] }) }
    }
    let (metrics, heatMap) = try known ?? self.metrics(tap, tensor)
    let isFirst = state.withLock { state in
      if known == nil, tap.module != nil { state.recent.remember(tap.address, tensor, metrics) }
      state.outcomes[name] = .matched(metrics)
      state.heatMaps[name] = heatMap
      if let address = tap.address { state.knownHeatMaps[address] = heatMap }
      if keepsPictures, metrics.masks != nil, state.masks.count < Self.mostMasks { state.masks[name] = tensor }
      guard !state.hasDiverged, !policy.accepts(metrics, of: name) else { return false }
      state.hasDiverged = true
      return true
    }
    if isFirst { try lookForCauses(tap, tensor) }
  }

  private func isolate(_ name: String, _ tensor: Tensor) throws {
    guard let tap = taps[name], tap.shape == tensor.shape else { return }
    let metrics: ErrorMetrics
    if let arrays, arrays.holds(tensor, as: tap), let own = state.withLock({ $0.outcomes[name]?.metrics }) {
      metrics = own.ofEqualArrays
    } else {
      metrics = try self.metrics(tap, tensor).0
    }
    let isFirst = state.withLock { state in
      state.isolated[name] = metrics
      guard !state.hasIntroduced, !policy.accepts(metrics, of: name) else { return false }
      state.hasIntroduced = true
      return true
    }
    if isFirst { try lookForCauses(tap, tensor) }
  }

  private func metrics(_ tap: Tap, _ tensor: Tensor) throws -> (ErrorMetrics, HeatMap?) {
    guard let arrays else {
      guard case .sketch(let reader) = reference else { return (try ErrorMetrics(tensor, tensor), nil) }
      let metrics = try ErrorMetrics(
        reader.sketch(of: tap.name), Sketch(of: tensor, seed: reader.seed, samples: reader.sampleCount),
        shape: tap.shape, seed: reader.seed)
      return (metrics, nil)
    }
    // From the file's own pages, else piece by piece: the whole is at most read for a module to run on.
    let recorded =
      try arrays.mapped(tap).map(ArrayPair.Side.held) ?? .read { try arrays.read(tap, from: $0, into: $1) }
    let pair = ArrayPair(shape: tap.shape, reference: recorded, candidate: .held(tensor))
    let isMask = PredictedValue.lowResLogits.isTap(tap.name)
    return try pair.metrics(
      isMask: isMask, heatMap: keepsPictures, slabSize: ArrayComparator.defaultSlabSize)
  }

  /// Tests causes for what is off, while the tensors are at hand.
  private func lookForCauses(_ tap: Tap, _ candidate: Tensor) throws {
    guard let arrays else { return }
    var evidence: [Evidence.Named] = []
    var parameters: [String: Tensor] = [:]
    if let id = tap.call, !tap.isInput, let call = arrays[id] {
      evidence = try call.names.filter { $0.hasPrefix("input/") }.sorted().map {
        Evidence.Named($0, try call.tensor($0))
      }
      parameters = try weights?.parameters(of: id.module) ?? [:]
    }
    let hints = Hypotheses.hints(
      for: Evidence(
        reference: try arrays.tensor(tap), candidate: candidate, inputs: evidence, weights: parameters,
        tolerance: policy.relativeLimit(for: tap.name)))
    // What a module alone makes comes after what it makes in the run, and speaks more clearly.
    state.withLock { state in if !hints.isEmpty { state.hints[tap.name] = hints } }
  }
}
