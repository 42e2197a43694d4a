public import Tensors

/// Feeds modules what another run recorded, and takes what they make of it.
///
/// A module is isolated after its call: it runs once more on recorded inputs, while the modules inside return what was
/// recorded of them. So the result shows what the module's own arithmetic does, and what the modules inside are given
/// shows what it does between them.
public protocol CallIsolator: Sendable {
  /// What was recorded of a call, if a module can be run on it: all its inputs are there, in the shapes that the call
  /// had.
  func inputs(of call: CallID) -> RecordedCall?

  /// What was recorded of a call, if it can stand in for the module: all its outputs are there, in the shapes that the
  /// call had.
  func outputs(of call: CallID) -> RecordedCall?

  /// Takes what a module made of a call's recorded inputs.
  func take(isolated output: any TapValue, of call: CallID)

  /// Takes what a module, itself on recorded values, gave to a call inside.
  func take(isolated inputs: [(String, any TapValue)], of call: CallID, in module: ModulePath)

  /// Takes what went wrong when recorded values were read.
  func take(failure: any Error)
}
