import Taps
public import Tensors
import Traces

/// Finds causes for what two sets of arrays differ in.
public struct DivergenceEvidence<Reference: NamedArrays, Candidate: NamedArrays> {
  private let reference: Reference
  private let candidate: Candidate
  private let policy: TolerancePolicy
  private let weights: ModuleWeights?

  /// Elements of all arrays that are read for one tap, at most.
  private static var mostElements: Int { 1 << 25 }

  /// - Parameter weights: The parameters of the modules that the arrays are of; nil where they aren't known, and causes
  ///   that need them are not looked for.
  public init(
    _ reference: Reference, _ candidate: Candidate, policy: TolerancePolicy, weights: ModuleWeights? = nil
  ) {
    self.reference = reference
    self.candidate = candidate
    self.policy = policy
    self.weights = weights
  }

  /// The causes that remove the error of a tap. None are looked for where the arrays are very large.
  ///
  /// - Throws: What reading throws.
  public func hints(for tap: String) throws -> [Hint] {
    guard let expected = try tensor(tap, of: reference, room: Self.mostElements),
      let found = try tensor(tap, of: candidate, room: Self.mostElements - expected.count)
    else { return [] }
    var inputs: [Evidence.Named] = []
    var room = Self.mostElements - expected.count - found.count
    let call = CallID(ofTap: tap)
    if let call, !tap.hasPrefix("\(call)/input/") {
      for (name, _) in reference.arrays where name.hasPrefix("\(call)/input/") {
        guard let input = try tensor(name, of: reference, room: room) else { continue }
        inputs.append(Evidence.Named(name, input))
        room -= input.count
      }
    }
    return Hypotheses.hints(
      for: Evidence(
        reference: expected, candidate: found, inputs: inputs,
        weights: try inputs.isEmpty ? [:] : call.flatMap { try weights?.parameters(of: $0.module) } ?? [:],
        tolerance: policy.relativeLimit(for: tap)))
  }

  private func tensor(_ name: String, of arrays: some NamedArrays, room: Int) throws -> Tensor? {
    guard let shape = arrays.arrays.first(where: { $0.name == name })?.shape, shape.count <= room else {
      return nil
    }
    return try Tensor(shape) { try arrays.read(name, from: 0, into: $0) }
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

  /// A module's own parameters by their last names, such as `weight`.
  ///
  /// - Throws: What keeps one from being read.
  public func parameters(of module: ModulePath) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for name in names[module] ?? [] {
      found[name.split(separator: ".").last.map(String.init) ?? name] = try source.tensor(name)
    }
    return found
  }
}
