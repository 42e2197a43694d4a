public import Tensors

/// Where what a run offers goes: a trace, which keeps the arrays, or a sketch, which keeps what tells them apart.
///
/// After a failure nothing more is written, and `finish` throws it.
public protocol TapWriter: Sendable {
  /// Whether a call is of any interest; what it takes and returns is written only then.
  func wants(_ call: CallID) -> Bool

  /// Whether any call of a module is of interest. Where none of the modules inside another is, a backend may run that one
  /// as a whole.
  func wants(_ module: ModulePath) -> Bool

  /// Writes what went into and came out of one call of a module.
  ///
  /// - Parameters:
  ///   - call: The how-many-eth call of this module in the run it was, from 0.
  ///   - sequence: A number that grows in the order in which calls return.
  ///   - place: What of a video the call was for.
  ///   - inputs: Parameters by their names in PyTorch's signature.
  func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws

  /// Writes one of the run's predictions; of a video, `place` says which.
  func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws

  /// Puts the finished file in its place.
  func finish() throws
}

extension TapWriter {
  /// Every call is.
  public func wants(_ call: CallID) -> Bool { true }

  /// Every module is.
  public func wants(_ module: ModulePath) -> Bool { true }

  /// Writes what went into and came out of one call of a module for a picture.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, inputs: [(String, any TapValue)], output: any TapValue
  ) throws {
    try write(module, call: call, sequence: sequence, at: TapPlace(), inputs: inputs, output: output)
  }

  /// Writes one of a picture's predictions.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor) throws {
    try write(prediction, tensor, at: nil)
  }
}
