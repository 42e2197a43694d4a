public import Tensors

/// One of a module's calls in a run, written `<module path>/<call>`.
public struct CallID: Hashable, Sendable, CustomStringConvertible {
  /// The module.
  public let module: ModulePath
  /// The how-many-eth of its calls it is, from 0.
  public let number: Int

  /// A module's call.
  public init(_ module: ModulePath, _ number: Int) {
    self.module = module
    self.number = number
  }

  /// The call that a tap of that flattened name was recorded of; nil for predictions and other names.
  public init?(ofTap name: String) {
    let steps = name.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard steps.count >= 3, let number = Int(steps[1]), steps[0] != TraceSchema.prediction[...],
      steps[2] == TraceSchema.input[...] || steps[2] == TraceSchema.output[...]
    else { return nil }
    self.init(ModulePath(String(steps[0])), number)
  }

  /// The beginning of its taps' names.
  public var description: String { "\(module)/\(number)" }
}

/// A call that was made, with the calls that were made inside.
public struct MadeCall: Sendable {
  /// Which call.
  public let id: CallID
  /// The calls that the module made itself, in order.
  public let inside: [MadeCall]
}
