import Synchronization
public import Tensors

/// What a run carries down the model tree to record it: every module offers its calls, and those whose path fits a
/// pattern are written.
///
/// Offering never throws, as a model's `forward` does not; what went wrong comes out of `finish`.
public final class Taps: Sendable {
  /// What runs modules on recorded values, if that is asked for.
  public let isolator: (any CallIsolator)?
  private let writers: [any TapWriter]
  private let filter: TapFilter
  private let keepsWholes: Bool
  private let state = Mutex(State())

  private struct State {
    var modules: [ModulePath: Module] = [:]
    var sequence = 0
    /// Of the modules that a backend can run as one, whether one inside is to be seen.
    var looksInside: [ModulePath: Bool] = [:]
    /// For every call that hasn't returned yet, the calls inside that have; kept only where modules are isolated.
    var open: [[MadeCall]] = []
  }

  private struct Module {
    let isRecorded: Bool
    var calls = 0
  }

  /// A call that hasn't returned yet.
  public struct OpenCall: Sendable {
    /// Which call.
    public let id: CallID
    /// Whether its arguments and result are to be offered.
    public let isRecorded: Bool
    let place: TapPlace
  }

  /// Taps for the modules whose path fits one of `patterns`, or for all when there are none.
  public convenience init(writer: any TapWriter, patterns: [String] = []) {
    self.init(writers: [writer], filter: TapFilter(patterns))
  }

  /// Taps for the calls that a filter lets pass, which may go to several writers.
  ///
  /// - Parameter keepsWholes: whether modules that the backend runs as one stay so, and nothing inside them is seen.
  public init(
    writers: [any TapWriter], filter: TapFilter = TapFilter(), isolator: (any CallIsolator)? = nil,
    keepsWholes: Bool = false
  ) {
    self.writers = writers
    self.filter = filter
    self.isolator = isolator
    self.keepsWholes = keepsWholes
  }

  /// Whether one of the modules inside another is to be seen, so that it has to be computed by its parts.
  ///
  /// Decided once for these taps, whatever frame or object a call is for: a module is computed one way throughout a run.
  public func looksInside(_ path: ModulePath, _ inside: [ModulePath]) -> Bool {
    state.withLock { state in
      if let known = state.looksInside[path] { return known }
      let looks = !keepsWholes && looksAt(inside)
      state.looksInside[path] = looks
      return looks
    }
  }

  /// Whether calls of any of these modules are asked for, and a writer wants them.
  public func looksAt(_ modules: [ModulePath]) -> Bool {
    modules.contains { module in filter.asksFor(module) && writers.contains { $0.wants(module) } }
  }

  /// The modules that were computed as a whole so far, by name.
  public var wholes: [ModulePath] {
    state.withLock { state in
      state.looksInside.filter { !$0.value }.map(\.key).sorted { $0.name < $1.name }
    }
  }

  /// Counts a call that is about to run.
  public func begin(_ path: ModulePath, at place: TapPlace = TapPlace()) -> OpenCall {
    state.withLock { state in
      var module = state.modules[path] ?? Module(isRecorded: filter.asksFor(path))
      let id = CallID(path, module.calls)
      module.calls += 1
      state.modules[path] = module
      if isolator != nil { state.open.append([]) }
      return OpenCall(
        id: id, isRecorded: module.isRecorded && filter.passes(place) && writers.contains { $0.wants(id) },
        place: place)
    }
  }

  /// Takes note that a call has returned, and records it where it is asked for.
  ///
  /// - Parameters:
  ///   - values: Parameters by their names in PyTorch's signature, and what the call returned; nil for a call that isn't
  ///     recorded.
  @discardableResult
  public func end(
    _ call: OpenCall, _ values: (inputs: [(String, any TapValue)], output: any TapValue)?
  ) -> MadeCall {
    state.withLock { state in
      let sequence = state.sequence
      state.sequence += 1
      let made = MadeCall(id: call.id, inside: state.open.popLast() ?? [])
      if !state.open.isEmpty { state.open[state.open.count - 1].append(made) }
      guard let values else { return made }
      for writer in writers where writer.wants(call.id) {
        // The writer keeps its failure for finish.
        try? writer.write(
          call.id.module, call: call.id.number, sequence: sequence, at: call.place, inputs: values.inputs,
          output: values.output)
      }
      return made
    }
  }

  /// Records one call of a module, or only counts it if it is not asked for.
  ///
  /// - Parameters:
  ///   - inputs: Parameters by their names in PyTorch's signature.
  ///   - output: What the call returned.
  ///   - place: What of a video the call was for.
  public func record(
    path: ModulePath, inputs: [(String, any TapValue)], output: any TapValue, at place: TapPlace = TapPlace()
  ) {
    let call = begin(path, at: place)
    end(call, call.isRecorded ? (inputs, output) : nil)
  }

  /// The patterns that no module called so far has fitted, most likely misspelt.
  public var unmatchedPatterns: [String] {
    let paths = state.withLock { Array($0.modules.keys) }
    return filter.patterns.filter { pattern in !paths.contains { pattern.matches($0.name) } }.map(\.text)
  }

  /// Writes one of the run's predictions.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func record(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace? = nil) throws {
    for writer in writers { try writer.write(prediction, tensor, at: place) }
  }

  /// Puts what was written in its place, after predictions were recorded.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func finish() throws {
    for writer in writers { try writer.finish() }
  }
}
