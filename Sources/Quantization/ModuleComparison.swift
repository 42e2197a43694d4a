// A quantized model's modules held against the exact ones: each alone, on exact inputs, and where it stands, on what it is given
// there.
import Foundation
import Synchronization
public import Taps
public import Tensors

/// What modules took and returned in one run, kept until other runs on the same have been held against it.
public final class ModuleRecord: TapWriter {
  fileprivate struct Call: Sendable {
    let inputs: [String: Tensor]
    let outputs: [String: Tensor]
  }

  private struct Kept {
    var calls: [CallID: Call] = [:]
    var bytes = 0
  }

  fileprivate let modules: Set<ModulePath>
  private let byteLimit: Int
  private let kept = Mutex(Kept())

  /// A record of some modules.
  ///
  /// - Parameter byteLimit: how much is kept; calls that come later are not.
  public init(_ modules: [ModulePath], byteLimit: Int = 1 << 29) {
    self.modules = Set(modules)
    self.byteLimit = byteLimit
  }

  /// Whether a module is recorded.
  public func wants(_ module: ModulePath) -> Bool { modules.contains(module) }

  /// Whether a call is recorded.
  public func wants(_ call: CallID) -> Bool { modules.contains(call.module) }

  /// Keeps what went in and out.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    let given = inputs.reduce(into: [:]) { $0.merge(tensors(of: $1.1, "input/\($1.0)")) { $1 } }
    let made = Call(inputs: given, outputs: tensors(of: output, "output"))
    let bytes = (Array(given.values) + Array(made.outputs.values)).reduce(0) { $0 + 4 * $1.count }
    kept.withLock { kept in
      guard kept.bytes + bytes <= byteLimit else { return }
      kept.bytes += bytes
      kept.calls[CallID(module, call)] = made
    }
  }

  /// Predictions are none of its concern.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}

  /// There is nothing to put anywhere.
  public func finish() throws {}

  /// Forgets all calls: the next picture or clip begins.
  public func clear() { kept.withLock { $0 = Kept() } }

  fileprivate func call(_ id: CallID) -> Call? { kept.withLock { $0.calls[id] } }
}

/// Holds a run's modules against a record of the same modules of an exact model, on the same pictures: what they return where
/// they stand, and what they return on the exact model's inputs.
public final class ModuleMeter: TapWriter, CallIsolator {
  private struct Found {
    /// By module and by which of its results.
    var isolated: [ModulePath: [String: SignalToNoise]] = [:]
    var accumulated: [ModulePath: [String: SignalToNoise]] = [:]
    var failure: (any Error)?
  }

  private let record: ModuleRecord
  private let found = Mutex(Found())

  /// A meter that holds runs against what a record keeps at the time.
  public init(against record: ModuleRecord) { self.record = record }

  /// Whether a module was recorded.
  public func wants(_ module: ModulePath) -> Bool { record.wants(module) }

  /// Whether a call is looked at.
  public func wants(_ call: CallID) -> Bool { record.wants(call.module) }

  /// Holds what a module returned where it stands against what the exact one did.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    guard let exact = record.call(CallID(module, call)) else { return }
    found.withLock { Self.add(exact, output, to: &$0.accumulated[module, default: [:]]) }
  }

  /// Predictions are none of its concern.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}

  /// Throws what went wrong when modules ran on the exact model's inputs.
  public func finish() throws { if let failure = found.withLock({ $0.failure }) { throw failure } }

  /// The exact model's inputs of a call.
  public func inputs(of call: CallID) -> RecordedCall? {
    guard let exact = record.call(call) else { return nil }
    return RecordedCall(id: call, shapes: exact.inputs.mapValues(\.shape)) { name in
      guard let tensor = exact.inputs[name] else { throw MissingTap(name: name, call: "\(call)") }
      return tensor
    }
  }

  /// Nothing stands in for modules inside: all of a module is rounded.
  public func outputs(of call: CallID) -> RecordedCall? { nil }

  /// Holds what a module made of the exact model's inputs against what the exact one did.
  public func take(isolated output: any TapValue, of call: CallID) {
    guard let exact = record.call(call) else { return }
    found.withLock { Self.add(exact, output, to: &$0.isolated[call.module, default: [:]]) }
  }

  /// What happens inside is not looked at.
  public func take(isolated inputs: [(String, any TapValue)], of call: CallID, in module: ModulePath) {}

  /// Keeps the first failure for `finish`.
  public func take(failure: any Error) {
    found.withLock { if $0.failure == nil { $0.failure = failure } }
  }

  /// How far a module's result is from the exact one on exact inputs, in dB; of several results the worst.
  public func isolated(_ module: ModulePath) -> Double? {
    found.withLock { $0.isolated[module]?.values.compactMap(\.decibels).min() }
  }

  /// The same where the module stands, behind all that is rounded before it.
  public func accumulated(_ module: ModulePath) -> Double? {
    found.withLock { $0.accumulated[module]?.values.compactMap(\.decibels).min() }
  }

  private static func add(
    _ exact: ModuleRecord.Call, _ output: any TapValue, to ratios: inout [String: SignalToNoise]
  ) {
    for (name, tensor) in tensors(of: output, "output") {
      guard let expected = exact.outputs[name], expected.shape == tensor.shape else { continue }
      ratios[name, default: SignalToNoise()].add(expected, tensor)
    }
  }
}

/// A module asked for what was not recorded of it.
private struct MissingTap: Error, CustomStringConvertible {
  let name: String
  let call: String
  var description: String { "\(call): expected a tap '\(name)', found none" }
}

/// A value's tensors by their names.
private func tensors(of value: any TapValue, _ name: String) -> [String: Tensor] {
  var found: [String: Tensor] = [:]
  value.visitTensors(named: name) { found[$0] = $1.contiguous() }
  return found
}
