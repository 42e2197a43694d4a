import Kernels
import Taps
import Tensors

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

  /// The backend's own way to what `forward` computes, bound at load; nil where it has none. It runs where nobody looks
  /// at a module inside.
  var whole: Whole<Input, Output>? { get }

  /// The arithmetic. It may reuse its input's memory if nobody else holds it.
  func forward(_ input: consuming Input, _ run: Run) -> Output

  /// The arguments under the names that PyTorch's `forward` gives them. What no field says is the same in a recorded call
  /// as in one that is made.
  static var fields: [Field<Input>] { get }

  /// How the result lies here, if it is one tensor.
  static var resultLayout: Layout { get }

  /// The result in PyTorch's layout.
  func result(_ output: Output) -> any TapValue

  /// The inverse of `result`: a recorded call's result.
  func output(of call: RecordedCall) throws -> Output
}

/// What a backend runs as one: a module, or a span of a `forward` that PyTorch has no module for.
struct Whole<Input, Output>: Sendable {
  /// The module, or where the span begins.
  let path: ModulePath
  let kernel: any Kernel<Input, Output>
  /// The modules that are then not called.
  let inside: [ModulePath]
}

extension Module {
  func callAsFunction(_ input: consuming Input, _ run: Run) -> Output {
    run.observer?.begin(path)
    defer { run.observer?.end(path) }
    guard let taps = run.taps else { return compute(input, run) }
    if let standIns = run.standIns { return replaced(input, by: standIns, run) }
    let call = taps.begin(path, at: run.place)
    guard call.isRecorded else {
      let output = compute(input, run)
      taps.end(call, nil)
      return output
    }
    let seen = copy input
    let output = compute(input, run)
    let made = taps.end(call, (arguments(seen), result(output)))
    if let isolator = taps.isolator { isolate(made, like: consume seen, isolator, run) }
    return output
  }

  /// What calling, isolating and replacing run: the whole where there is one and nobody looks inside, else `forward`.
  func compute(_ input: consuming Input, _ run: Run) -> Output {
    guard let whole = run.kernel(of: whole) else { return forward(input, run) }
    return whole(input)
  }

  var whole: Whole<Input, Output>? { nil }

  static var resultLayout: Layout { .same }

  /// The arguments as taps see them, in PyTorch's layout.
  func arguments(_ input: Input) -> [(String, any TapValue)] {
    Self.fields.map { ($0.name, $0.offer(input)) }
  }

  /// A recorded call's arguments. What no field says is taken from `input`, with which the same call was made here.
  func input(of call: RecordedCall, like input: Input) throws -> Input {
    var recorded = input
    for field in Self.fields { try field.restore(&recorded, call, "input/\(field.name)") }
    return recorded
  }

  func result(_ output: Output) -> any TapValue { output }

  func output(of call: RecordedCall) throws -> Output { try Output(named: "output", from: call) }
}

extension Module where Output == Tensor {
  func result(_ output: Tensor) -> any TapValue { Self.resultLayout.offered(output) }

  func output(of call: RecordedCall) throws -> Tensor { Self.resultLayout.restored(try call.tensor("output")) }
}

extension Module where Input == Tensor {
  /// `x`, the name that most of SAM 2's own modules give their argument.
  static var fields: [Field<Tensor>] { [Field("x", \.self)] }
}

/// A module of PyTorch's own, whose one argument is called `input`.
protocol TorchModule: Module where Input == Tensor, Output == Tensor {}

extension TorchModule {
  static var fields: [Field<Tensor>] { [Field("input", \.self)] }
}
