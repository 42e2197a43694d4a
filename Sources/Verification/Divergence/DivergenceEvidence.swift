public import Taps
public import Tensors

/// Finds causes for what two sources that have elements differ in.
public struct DivergenceEvidence {
  private let reference: any TapSource
  private let candidate: any TapSource
  private let expected: [TapID: Shape]
  private let found: [TapID: Shape]
  private let policy: TolerancePolicy
  private let weights: ModuleWeights?

  /// Elements of all arrays that are read for one tap, at most.
  private static let mostElements = 1 << 25

  /// - Parameter weights: The parameters of the modules that the arrays are of; nil where they aren't known, and causes
  ///   that need them are not looked for.
  public init(
    _ reference: any TapSource, _ candidate: any TapSource, policy: TolerancePolicy,
    weights: ModuleWeights? = nil
  ) {
    func shapes(_ source: any TapSource) -> [TapID: Shape] {
      Dictionary(source.arrays.map { ($0.id, $0.shape) }) { first, _ in first }
    }
    expected = shapes(reference)
    found = shapes(candidate)
    self.reference = reference
    self.candidate = candidate
    self.policy = policy
    self.weights = weights
  }

  /// The causes that remove the error of a tap. None are looked for where the arrays are very large.
  ///
  /// - Throws: What reading throws.
  public func hints(for tap: TapID) throws -> [Hint] {
    guard let expected = try tensor(tap, expected, of: reference, room: Self.mostElements),
      let found = try tensor(tap, found, of: candidate, room: Self.mostElements - expected.count)
    else { return [] }
    var inputs: [Evidence.Named] = []
    var room = Self.mostElements - expected.count - found.count
    if let call = tap.call, !tap.isInput {
      for array in reference.arrays where array.id.isInput && array.id.call == call {
        guard let input = try tensor(array.id, self.expected, of: reference, room: room) else { continue }
        inputs.append(Evidence.Named(array.id.name, input))
        room -= input.count
      }
    }
    return Hypotheses.hints(
      for: Evidence(
        reference: expected, candidate: found, inputs: inputs,
        weights: try inputs.isEmpty ? [:] : tap.module.flatMap { try weights?.parameters(of: $0) } ?? [:],
        tolerance: policy.relativeLimit(for: tap)))
  }

  private func tensor(
    _ id: TapID, _ shapes: [TapID: Shape], of source: any TapSource, room: Int
  ) throws -> Tensor? {
    guard let shape = shapes[id], shape.count <= room else { return nil }
    return try Tensor(shape) { try source.read(id, from: 0, into: $0) }
  }
}

/// The parameters of single modules, out of a checkpoint.
public struct ModuleWeights: Sendable {
  private let source: any WeightSource
  /// Names by the module that they belong to.
  private let names: [ModulePath: [String]]

  /// The parameters of a checkpoint's modules.
  public init(_ source: any WeightSource) {
    self.source = source
    var names: [ModulePath: [String]] = [:]
    for name in source.shapes.keys.sorted() {
      let steps = name.split(separator: ".")
      names[ModulePath(steps.dropLast().joined(separator: ".")), default: []].append(name)
    }
    self.names = names
  }

  /// A module's own parameters as Float32, by their last names, such as `weight`.
  ///
  /// - Throws: What keeps one from being read.
  public func parameters(of module: ModulePath) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for name in names[module] ?? [] {
      found[name.split(separator: ".").last.map(String.init) ?? name] = try source.float32(name)
    }
    return found
  }
}
