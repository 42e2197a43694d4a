import Synchronization
public import Tensors

/// What a run carries down the model tree to record it: every module offers its calls, and those whose path fits a
/// pattern are written.
///
/// Offering never throws, as a model's `forward` does not; what went wrong comes out of `finish`.
public final class Taps: Sendable {
  private let writer: TraceWriter
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
  public convenience init(writer: TraceWriter, patterns: [String] = []) {
    self.init(writer: writer, filter: TapFilter(patterns))
  }

  /// Taps for the calls that a filter lets pass.
  public init(writer: TraceWriter, filter: TapFilter) {
    self.writer = writer
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
      // The writer keeps its failure for finish.
      try? writer.write(path, call: call, sequence: sequence, at: place, inputs: inputs, output: output)
    }
  }

  /// The patterns that no module called so far has fitted, most likely misspelt.
  public var unmatchedPatterns: [String] {
    let paths = state.withLock { Array($0.modules.keys) }
    return filter.patterns.filter { pattern in !paths.contains { pattern.matches($0.name) } }.map(\.text)
  }

  /// Puts the finished trace in its place, after predictions were written.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func finish() throws { try writer.finish() }

  private func isAskedFor(_ path: ModulePath) -> Bool {
    filter.patterns.isEmpty || filter.patterns.contains { $0.matches(path.name) }
  }
}
