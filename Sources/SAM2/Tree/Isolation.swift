import Synchronization
import Taps
import Tensors

// A module on its own: run on what was recorded of another run, while what was recorded stands in for the modules
// inside.

/// The calls inside a module that is being isolated, for which recorded results stand in.
final class StandIns: Sendable {
  /// The module that is being isolated.
  let module: ModulePath
  let isolator: any CallIsolator
  private let calls: Mutex<[MadeCall]>

  init(_ calls: [MadeCall], in module: ModulePath, _ isolator: any CallIsolator) {
    self.module = module
    self.isolator = isolator
    self.calls = Mutex(calls)
  }

  /// The call that the module of that path makes next, as it was made before; nil if it wasn't.
  func next(_ path: ModulePath) -> MadeCall? {
    calls.withLock { calls in
      calls.firstIndex { $0.id.module == path }.map { calls.remove(at: $0) }
    }
  }
}

extension Module {
  /// Runs the module once more, on the recorded inputs of a call that it has just made.
  func isolate(_ call: MadeCall, like seen: consuming Input, _ isolator: any CallIsolator, _ run: Run) {
    guard let recorded = isolator.inputs(of: call.id) else { return }
    do {
      let given = try input(of: recorded, like: seen)
      _ = consume seen  // makes room
      let standIns = StandIns(call.inside, in: path, isolator)
      isolator.take(isolated: result(compute(given, run.standing(in: standIns))), of: call.id)
    } catch { isolator.take(failure: error) }
  }

  /// What was recorded of a call inside an isolated module, instead of calling.
  ///
  /// A call that wasn't recorded runs on what it is given, and what was recorded stands in for the calls inside it.
  func replaced(_ input: consuming Input, by standIns: StandIns, _ run: Run) -> Output {
    guard let call = standIns.next(path) else { return compute(input, run.unrecorded) }
    if let recorded = standIns.isolator.outputs(of: call.id) {
      standIns.isolator.take(isolated: arguments(input), of: call.id, in: standIns.module)
      do { return try output(of: recorded) } catch { standIns.isolator.take(failure: error) }
    }
    return compute(input, run.standing(in: StandIns(call.inside, in: standIns.module, standIns.isolator)))
  }
}
