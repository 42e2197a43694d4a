import Synchronization
public import Tensors

/// What a run carries down the model tree to record it: every module offers its calls, and those whose path fits a
/// pattern are written.
///
/// Offering never throws, as a model's `forward` does not; what went wrong comes out of `finish`.
public final class Taps: Sendable {
  private let writers: [any TapWriter]
  private let filter: TapFilter
  private let state = Mutex(State())

  private struct State {
    var modules: [ModulePath: Module] = [:]
    var sequence = 0
  }

  private struct Module {
    let isRecorded: Bool
    var calls = 0
  }

  /// Taps for the modules whose path fits one of `patterns`, or for all when there are none.
  public convenience init(writer: any TapWriter, patterns: [String] = []) {
    self.init(writers: [writer], filter: TapFilter(patterns))
  }

  /// Taps for the calls that a filter lets pass, which may go to several writers.
  public init(writers: [any TapWriter], filter: TapFilter = TapFilter()) {
    self.writers = writers
    self.filter = filter
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
    state.withLock { state in
      var module = state.modules[path] ?? Module(isRecorded: isAskedFor(path))
      let (call, sequence) = (module.calls, state.sequence)
      module.calls += 1
      state.modules[path] = module
      state.sequence += 1
      guard module.isRecorded, filter.passes(place) else { return }
      for writer in writers {
        // The writer keeps its failure for finish.
        try? writer.write(path, call: call, sequence: sequence, at: place, inputs: inputs, output: output)
      }
    }
  }

  /// The patterns that no module called so far has fitted, most likely misspelt.
  public var unmatchedPatterns: [String] {
    let paths = state.withLock { Array($0.modules.keys) }
    return filter.patterns.filter { pattern in !paths.contains { pattern.matches($0.name) } }.map(\.text)
  }

  /// Writes one of the run's predictions.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func record(_ prediction: TracePrediction, _ tensor: Tensor, at place: PredictionPlace? = nil) throws {
    for writer in writers { try writer.write(prediction, tensor, at: place) }
  }

  /// Puts what was written in its place, after predictions were recorded.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func finish() throws {
    for writer in writers { try writer.finish() }
  }

  private func isAskedFor(_ path: ModulePath) -> Bool {
    filter.patterns.isEmpty || filter.patterns.contains { $0.matches(path.name) }
  }
}
