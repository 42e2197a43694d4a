public import Tensors

/// Who is told when modules of a run begin and end, and sees nothing of what goes in or comes out: to take the time.
///
/// Observing is not looking inside: modules that a backend runs as one stay so, and nothing inside them is told of.
public protocol CallObserver: Sendable {
  /// A module is about to run.
  func begin(_ path: ModulePath)

  /// The module that began last and didn't end yet has returned.
  func end(_ path: ModulePath)
}
