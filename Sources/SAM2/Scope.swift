import Kernels
import Synchronization
import Tensors

/// Where in the tree a module is being built: its path, and what it is built from.
struct Scope {
  let path: ModulePath
  private let loader: WeightLoader

  init(loader: WeightLoader, path: ModulePath = ModulePath()) {
    self.loader = loader
    self.path = path
  }

  /// What prepares the heavy operations.
  var backend: any Backend { loader.backend }

  /// The scope of the child called `name`.
  func callAsFunction(_ name: String) -> Scope { Scope(loader: loader, path: path.child(name)) }

  /// The scope of a list's entry.
  func callAsFunction(_ index: Int) -> Scope { self("\(index)") }

  /// The parameter called `name` here, whose shape must be as expected.
  func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
    try loader.take(path.child(name).name, shape)
  }
}

/// Hands out a checkpoint's tensors strictly, and remembers which were taken.
final class WeightLoader: Sendable {
  let backend: any Backend
  private let source: any WeightSource
  private let shapes: [String: Shape]
  private let taken = Mutex<Set<String>>([])

  init(source: any WeightSource, backend: any Backend) {
    self.source = source
    self.backend = backend
    shapes = source.shapes
  }

  func take(_ name: String, _ shape: Shape) throws -> Tensor {
    guard let found = shapes[name] else {
      throw SAM2Error.missingWeight(origin: source.origin, name: name, expected: shape)
    }
    guard found == shape else {
      throw SAM2Error.misshapedWeight(origin: source.origin, name: name, expected: shape, found: found)
    }
    _ = taken.withLock { $0.insert(name) }
    return try source.float32(name)
  }

  /// Throws if a tensor was never taken: the tree is then not the checkpoint's.
  func requireAllTaken() throws(SAM2Error) {
    let taken = taken.withLock { $0 }
    let unread = shapes.keys.filter { !taken.contains($0) }
    guard unread.isEmpty else { throw .unreadWeights(origin: source.origin, names: unread.sorted()) }
  }
}
