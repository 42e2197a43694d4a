public import Tensors

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
