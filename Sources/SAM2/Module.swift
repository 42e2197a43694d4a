import Tensors
import Taps

/// A node of the model tree, standing where PyTorch has an `nn.Module` of the same path.
///
/// Authors write `forward`; calling the module runs it and offers its arguments and its result to the run's
/// taps, as a forward hook does.
protocol Module<Input, Output>: Sendable {
  /// One argument, or a struct of several.
  associatedtype Input
  associatedtype Output: RestorableValue

  /// The module's name in the state dict and in a trace.
  var path: ModulePath { get }

  /// The arithmetic. It may reuse its input's memory if nobody else holds it.
  func forward(_ input: consuming Input, _ run: Run) -> Output

  /// The arguments under the names that PyTorch's `forward` gives them, in PyTorch's layout.
  func arguments(_ input: Input) -> [(String, any TapValue)]

  /// The inverse of `arguments`: a recorded call's arguments. What no tensor says is taken from `input`, with which
  /// the same call was made here.
  func input(of call: RecordedCall, like input: Input) throws -> Input

  /// The result in PyTorch's layout.
  func result(_ output: Output) -> any TapValue

  /// The inverse of `result`: a recorded call's result.
  func output(of call: RecordedCall) throws -> Output
}

extension Module {
  func callAsFunction(_ input: consuming Input, _ run: Run) -> Output {
    guard let taps = run.taps else { return forward(input, run) }
    if let standIns = run.standIns { return replaced(input, by: standIns, run) }
    let call = taps.begin(path, at: run.place)
    guard call.isRecorded else {
      let output = forward(input, run)
      taps.end(call, nil)
      return output
    }
    let seen = copy input
    let output = forward(input, run)
    let made = taps.end(call, (arguments(seen), result(output)))
    if let isolator = taps.isolator { isolate(made, like: consume seen, isolator, run) }
    return output
  }

  func result(_ output: Output) -> any TapValue { output }

  func output(of call: RecordedCall) throws -> Output { try Output(named: "output", from: call) }
}

extension Module where Input == Tensor {
  /// `x`, the name that most of SAM 2's own modules give their argument.
  func arguments(_ input: Tensor) -> [(String, any TapValue)] { [("x", input)] }

  func input(of call: RecordedCall, like input: Tensor) throws -> Tensor { try call.tensor("input/x") }
}

/// A module of PyTorch's own, whose one argument is called `input`.
protocol TorchModule: Module where Input == Tensor, Output == Tensor {}

extension TorchModule {
  func arguments(_ input: Tensor) -> [(String, any TapValue)] { [("input", input)] }

  func input(of call: RecordedCall, like input: Tensor) throws -> Tensor { try call.tensor("input/input") }
}
