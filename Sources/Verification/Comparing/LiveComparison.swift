import Synchronization
public import Taps
public import Tensors
public import Traces

/// Holds a run against a recording while it is made: every array is compared as it is offered, nothing is stored.
///
/// As taps' isolator it also compares what modules make of recorded values.
public final class LiveComparison: TapWriter, CallIsolator {
  private let comparator: TapComparator
  /// A trace's arrays, to feed modules with and to look for causes in; nil for a sketch.
  private let recorded: RecordedCalls?
  private let isolates: Bool
  private let weights: ModuleWeights?
  private let keepsPictures: Bool
  /// The calls of which something is compared.
  private let calls: Set<CallID>
  private let modules: Set<ModulePath>
  private let state = Mutex(State())

  private struct State {
    var found = TapComparator.Findings()
    /// The calls whose inputs, or outputs, are recorded in the shapes that they have here.
    var fittingInputs: Set<CallID> = []
    var fittingOutputs: Set<CallID> = []
    var recent = RecentComparisons()
    var hints: [TapID: [Hint]] = [:]
    /// Heat maps by where the recording has the array, for those that stand under several names.
    var knownHeatMaps: [UInt64: HeatMap] = [:]
    var masks: [TapID: Tensor] = [:]
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
    self.weights = weights
    comparator = TapComparator(reference.source, policy: policy, heatMaps: keepsPictures) { id in
      patterns.isEmpty || patterns.contains { id.matches($0) }
    }
    if case .trace(let reader) = reference { recorded = RecordedCalls(reader) } else { recorded = nil }
    self.isolates = isolates && recorded != nil
    calls = Set(comparator.expected.compactMap(\.id.call))
    modules = Set(calls.map(\.module))
  }

  /// Taps that a run is compared by.
  ///
  /// - Parameters:
  ///   - writers: What the run is recorded by as well.
  ///   - keepsWholes: Whether modules that the backend runs as one stay so, and nothing inside them is compared.
  public func makeTaps(_ writers: [any TapWriter] = [], keepsWholes: Bool = false) -> Taps {
    Taps(writers: [self] + writers, isolator: isolates ? self : nil, keepsWholes: keepsWholes)
  }

  /// Takes note of modules that the run computed as one: what was recorded inside them is fused, not missing.
  public func take(wholes: [ModulePath]) { state.withLock { $0.found.wholes.formUnion(wholes) } }

  /// Whether an array is to be compared.
  public func expects(_ id: TapID) -> Bool { comparator.shape(of: id) != nil }

  // MARK: What the run offers

  /// Whether a call was recorded.
  public func wants(_ call: CallID) -> Bool { calls.contains(call) || isolates && recorded?[call] != nil }

  /// Whether any call of a module was recorded.
  public func wants(_ module: ModulePath) -> Bool { modules.contains(module) }

  /// Compares what went into and came out of a call.
  public func write(
    _ module: ModulePath, call number: Int, sequence: Int, at place: TapPlace,
    inputs: [(String, any TapValue)], output: any TapValue
  ) throws {
    let call = CallID(module, number)
    try attempt {
      let recorded = recorded?[call]
      var fits = true
      for (parameter, value) in inputs {
        try value.visitTensors(named: "input/\(parameter)") { name, tensor in
          fits = fits && recorded?.shape(name) == tensor.shape
          try compare(TapID(call, name), tensor)
        }
      }
      if fits { state.withLock { _ = $0.fittingInputs.insert(call) } }
      fits = true
      try output.visitTensors(named: "output") { name, tensor in
        fits = fits && recorded?.shape(name) == tensor.shape
        try compare(TapID(call, name), tensor)
      }
      if fits { state.withLock { _ = $0.fittingOutputs.insert(call) } }
    }
  }

  /// Compares one of the run's predictions.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {
    try write(tensor, as: prediction.tap(at: place))
  }

  /// Compares an array of the run that no module makes.
  ///
  /// - Throws: What reading the recording throws.
  public func write(_ tensor: Tensor, as id: TapID) throws { try attempt { try compare(id, tensor) } }

  /// Throws what went wrong first.
  public func finish() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }

  // MARK: What isolation asks and offers

  /// What was recorded of a call, if the module can be run on it and something of the call is compared.
  public func inputs(of call: CallID) -> RecordedCall? {
    guard calls.contains(call), state.withLock({ $0.fittingInputs.contains(call) }) else { return nil }
    return recorded?[call]
  }

  /// What was recorded of a call, if it can stand in for the module.
  public func outputs(of call: CallID) -> RecordedCall? {
    state.withLock { $0.fittingOutputs.contains(call) } ? recorded?[call] : nil
  }

  /// Compares what a module made of recorded inputs.
  public func take(isolated output: any TapValue, of call: CallID) {
    try? attempt { try output.visitTensors(named: "output") { try isolate(TapID(call, $0), $1) } }
  }

  /// Compares what a module on recorded values gave to a call inside.
  public func take(isolated inputs: [(String, any TapValue)], of call: CallID, in module: ModulePath) {
    try? attempt {
      for (parameter, value) in inputs {
        try value.visitTensors(named: "input/\(parameter)") { try isolate(TapID(call, $0), $1) }
      }
    }
  }

  /// Keeps the first failure for `finish`.
  public func take(failure: any Error) { state.withLock { $0.failure = $0.failure ?? failure } }

  // MARK: What was found

  /// Every array of the recording, held against the run.
  public var comparison: Comparison {
    comparator.comparison(state.withLock(\.found))
  }

  /// The run's mask logits, as many as are kept to be looked at.
  public var masks: HeldTensors { HeldTensors(state.withLock { $0.masks.map { ($0, $1) } }) }

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

  private func compare(_ id: TapID, _ tensor: Tensor) throws {
    guard let shape = comparator.shape(of: id) else {
      if comparator.isExtra(id), let call = id.call, calls.contains(call) {
        state.withLock { $0.found.extra.append(id) }
      }
      return
    }
    let address = comparator.reference.storage(of: id)
    let known = state.withLock { state in
      shape == tensor.shape
        ? state.recent.metrics(address, tensor).map {
          (ArrayComparison.Outcome.matched($0), address.flatMap { state.knownHeatMaps[$0] })
        } : nil
    }
    let (outcome, heatMap) = try known ?? comparator.finding(id, shape: tensor.shape, of: .tensor(tensor))
    let isFirst = state.withLock { state in
      state.found.outcomes[id] = outcome
      if let metrics = outcome.metrics {
        if known == nil, id.call != nil { state.recent.remember(address, tensor, metrics) }
        state.found.heatMaps[id] = heatMap
        if let address { state.knownHeatMaps[address] = heatMap }
        if keepsPictures, metrics.masks != nil, state.masks.count < Self.mostMasks { state.masks[id] = tensor }
        if comparator.policy.accepts(metrics, of: id) { return false }
      }
      defer { state.hasDiverged = true }
      return !state.hasDiverged
    }
    if isFirst { try lookForCauses(id, tensor) }
  }

  private func isolate(_ id: TapID, _ tensor: Tensor) throws {
    guard let shape = comparator.shape(of: id), shape == tensor.shape else { return }
    let metrics: ErrorMetrics
    if try recorded?.holds(tensor, as: id) ?? false,
      let own = state.withLock({ $0.found.outcomes[id]?.metrics })
    {
      metrics = own.ofEqualArrays
    } else {
      metrics = try comparator.metrics(SourceArray(id, shape), .tensor(tensor)).0
    }
    let isFirst = state.withLock { state in
      state.found.isolated[id] = metrics
      guard !state.hasIntroduced, !comparator.policy.accepts(metrics, of: id) else { return false }
      state.hasIntroduced = true
      return true
    }
    if isFirst { try lookForCauses(id, tensor) }
  }

  /// Tests causes for what is off, while the tensors are at hand.
  private func lookForCauses(_ id: TapID, _ candidate: Tensor) throws {
    guard let recorded else { return }
    var evidence: [Evidence.Named] = []
    var parameters: [String: Tensor] = [:]
    if !id.isInput, let call = id.call.flatMap({ recorded[$0] }) {
      evidence = try call.names.filter { TapID(call.id, $0).isInput }.sorted().map {
        Evidence.Named($0, try call.tensor($0))
      }
      parameters = try weights?.parameters(of: call.id.module) ?? [:]
    }
    let hints = Hypotheses.hints(
      for: Evidence(
        reference: try recorded.tensor(id), candidate: candidate, inputs: evidence, weights: parameters,
        tolerance: comparator.policy.relativeLimit(for: id)))
    // What a module alone makes comes after what it makes in the run, and speaks more clearly.
    state.withLock { state in if !hints.isEmpty { state.hints[id] = hints } }
  }
}

/// Comparisons made a moment ago. One module's output is the next one's input, in the run and in its recording: what
/// was found for the one holds for the other.
///
/// The candidate's tensors are held, so that their memory can't be given to others while it is looked up; how many is
/// bounded.
private struct RecentComparisons {
  private static let mostElements = 1 << 24
  private static let mostTensors = 16

  private var entries: [(address: UInt64, tensor: Tensor, metrics: ErrorMetrics)] = []
  private var elements = 0

  /// What was found for a tensor of the same memory against the recorded array at an address.
  func metrics(_ address: UInt64?, _ tensor: Tensor) -> ErrorMetrics? {
    guard tensor.count > 0 else { return nil }
    return entries.last { $0.address == address && $0.tensor.isSame(as: tensor) }?.metrics
  }

  /// Remembers what was found, at the cost of what was found longest ago.
  mutating func remember(_ address: UInt64?, _ tensor: Tensor, _ metrics: ErrorMetrics) {
    guard let address else { return }
    entries.append((address, tensor, metrics))
    elements += tensor.count
    // The last one stays however large it is, and is forgotten before those that are small.
    while elements - tensor.count > Self.mostElements || entries.count > Self.mostTensors {
      let large = entries.dropLast().firstIndex { $0.tensor.count > Self.mostElements }
      elements -= entries.remove(at: large ?? 0).tensor.count
    }
  }
}

extension Tensor {
  /// Whether it is the same memory under the same shape.
  fileprivate func isSame(as other: Tensor) -> Bool {
    shape == other.shape && withElements(\.baseAddress) == other.withElements(\.baseAddress)
  }
}
