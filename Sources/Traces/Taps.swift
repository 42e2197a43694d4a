import Synchronization
public import Tensors

/// What a run carries down the model tree to record it: every module offers its calls, and those whose path fits a
/// pattern are written.
///
/// Offering never throws, as a model's `forward` does not; what went wrong comes out of `finish`.
public final class Taps: Sendable {
  private let writers: [any TapWriter]
  private let patterns: [TapPattern]
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
    self.init(writers: [writer], patterns: patterns)
  }

  /// Taps that go to several writers.
  public init(writers: [any TapWriter], patterns: [String] = []) {
    self.writers = writers
    self.patterns = patterns.map { TapPattern($0) }
  }

  /// Records one call of a module, or only counts it if it is not asked for.
  ///
  /// - Parameters:
  ///   - inputs: Parameters by their names in PyTorch's signature.
  ///   - output: What the call returned.
  public func record(path: ModulePath, inputs: [(String, any TapValue)], output: any TapValue) {
    state.withLock { state in
      var module = state.modules[path] ?? Module(isRecorded: isAskedFor(path))
      let (call, sequence) = (module.calls, state.sequence)
      module.calls += 1
      state.modules[path] = module
      state.sequence += 1
      guard module.isRecorded else { return }
      for writer in writers {
        // The writer keeps its failure for finish.
        try? writer.write(path, call: call, sequence: sequence, inputs: inputs, output: output)
      }
    }
  }

  /// The patterns that no module called so far has fitted, most likely misspelt.
  public var unmatchedPatterns: [String] {
    let paths = state.withLock { Array($0.modules.keys) }
    return patterns.filter { pattern in !paths.contains { pattern.matches($0.name) } }.map(\.text)
  }

  /// Writes one of the run's predictions.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func record(_ prediction: TracePrediction, _ tensor: Tensor) throws {
    for writer in writers { try writer.write(prediction, tensor) }
  }

  /// Puts what was written in its place, after predictions were recorded.
  ///
  /// - Throws: What went wrong first while recording, or what the disk says now.
  public func finish() throws {
    for writer in writers { try writer.finish() }
  }

  private func isAskedFor(_ path: ModulePath) -> Bool {
    patterns.isEmpty || patterns.contains { $0.matches(path.name) }
  }
}
