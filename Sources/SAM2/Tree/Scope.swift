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

  /// This module as a layer that a backend is to prepare: its name, precision and range.
  var site: Site { loader.site(path) }

  /// The scope of the child called `name`.
  func callAsFunction(_ name: String) -> Scope {
    let child = Scope(loader: loader, path: path.child(name))
    loader.note(child.path)
    return child
  }

  /// The scope of a list's entry.
  func callAsFunction(_ index: Int) -> Scope { self("\(index)") }

  /// The parameter called `name` here, whose shape must be as expected.
  func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
    try loader.take(path.child(name).name, shape)
  }

  /// The weight of the layer here, whose shape must be as expected, as its precision has it.
  func weight(_ shape: Shape, at site: Site) throws -> LayerWeight {
    try loader.take(path.child("weight").name, shape, at: site)
  }

  /// What the backend has prepared for the module here, whose children have been built, to run it at once.
  ///
  /// - Parameter replacesModule: whether the module itself isn't called either, but a span of its parent's `forward` is
  ///   replaced.
  func whole<Input, Output>(
    _ kernel: (any Kernel<Input, Output>)?, replacesModule: Bool = false
  ) -> Whole<Input, Output>? {
    guard let kernel else { return nil }
    let below = loader.modules(below: path)
    let inside = replacesModule ? [path] + below : below
    loader.note(whole: path, inside)
    return Whole(path: path, kernel: kernel, inside: inside)
  }
}

/// A layer's weight, and the whole numbers that it is made of where it is.
struct LayerWeight {
  let tensor: Tensor
  let quantized: QuantizedWeight?
}

/// Hands out a checkpoint's tensors and a plan's sites strictly, and remembers what there was.
final class WeightLoader: Sendable {
  let backend: any Backend
  private let plan: PrecisionPlan
  private let source: any WeightSource
  private let shapes: [String: Shape]
  private let seen = Mutex(Seen())

  private struct Seen {
    /// Names of the tensors that were taken.
    var taken: Set<String> = []
    var modules: Set<ModulePath> = []
    var sites: [Site] = []
    var wholes: [(path: ModulePath, inside: [ModulePath])] = []
  }

  init(source: any WeightSource, backend: any Backend, plan: PrecisionPlan) {
    self.source = source
    self.backend = backend
    self.plan = plan
    shapes = source.shapes
  }

  /// The layers that were built.
  var sites: [Site] { seen.withLock(\.sites) }

  /// The modules that the backend can run as one, with those inside.
  var wholes: [(path: ModulePath, inside: [ModulePath])] { seen.withLock(\.wholes) }

  func take(_ name: String, _ shape: Shape) throws -> Tensor {
    try claim(name, shape)
    return try source.float32(name)
  }

  /// Notes that a tensor is taken, which must be there and of that shape.
  private func claim(_ name: String, _ shape: Shape) throws(SAM2Error) {
    guard let found = shapes[name] else {
      throw .missingWeight(origin: source.origin, name: name, expected: shape)
    }
    guard found == shape else {
      throw .misshapedWeight(origin: source.origin, name: name, expected: shape, found: found)
    }
    seen.withLock { _ = $0.taken.insert(name) }
  }

  /// A layer's weight: the whole numbers that the source holds, or made of what it holds.
  func take(_ name: String, _ shape: Shape, at site: Site) throws -> LayerWeight {
    guard site.precision.isQuantized else {
      return LayerWeight(tensor: try take(name, shape), quantized: nil)
    }
    try claim(name, shape)
    let stored = try source.quantized(name)
    let weight = try stored?.weight ?? source.float32(name)
    switch (stored, site.precision) {
    case (.perChannel(let stored), .w8), (.perChannel(let stored), .w8a16), (.perChannel(let stored), .w8a8):
      return LayerWeight(tensor: weight, quantized: stored)
    case (.grouped, .w8), (.grouped, .w8a16), (.grouped, .w4):
      // Scales that no output channel has: what they stand for is computed with.
      return LayerWeight(tensor: weight, quantized: nil)
    default: return try quantize(weight, at: site)
    }
  }

  private func quantize(_ weight: Tensor, at site: Site) throws(SAM2Error) -> LayerWeight {
    if let place = weight.firstNotFinite {
      let channel = place / max(1, weight.count / weight.shape[0])
      throw .unquantizable(
        layer: site.path, precision: site.precision, expected: "finite weights",
        found: "\(weight.elements[place]) in output channel \(channel)")
    }
    guard site.precision == .w4 else {
      let quantized = QuantizedWeight(quantizing: weight)
      return LayerWeight(tensor: quantized.weight, quantized: quantized)
    }
    guard GroupedWeight.hasRows(weight.shape) else {
      throw .unquantizable(
        layer: site.path, precision: site.precision,
        expected: "a multiple of \(GroupedWeight.groupSize) inputs, and a kernel of 1 × 1",
        found: "a weight \(weight.shape)")
    }
    return LayerWeight(tensor: GroupedWeight(quantizing: weight, as: .fourBits).weight, quantized: nil)
  }

  func site(_ path: ModulePath) -> Site {
    let site = plan.site(path)
    seen.withLock { $0.sites.append(site) }
    return site
  }

  func note(_ module: ModulePath) { seen.withLock { _ = $0.modules.insert(module) } }

  func note(whole path: ModulePath, _ inside: [ModulePath]) {
    seen.withLock { $0.wholes.append((path, inside)) }
  }

  /// All modules that were built.
  var modules: [ModulePath] { seen.withLock { Array($0.modules) } }

  /// The modules that were built below another.
  func modules(below path: ModulePath) -> [ModulePath] {
    seen.withLock { seen in seen.modules.filter { $0.name.hasPrefix("\(path).") } }
  }

  /// Throws if a tensor was never taken: the tree is then not the checkpoint's.
  func requireAllTaken() throws(SAM2Error) {
    let taken = seen.withLock(\.taken)
    let unread = shapes.keys.filter { !taken.contains($0) }
    guard unread.isEmpty else { throw .unreadWeights(origin: source.origin, names: unread.sorted()) }
  }
}
