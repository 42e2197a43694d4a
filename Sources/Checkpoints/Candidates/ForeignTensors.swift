import Tensors

/// Where a model's tensors hang on objects that only foreign code could make: `torch.save(model)`, a dictionary of a class
/// of its own, the attributes of a training state. What is taken is what PyTorch keeps under fixed names or what a pickle
/// puts into a dictionary; whatever needs the class's own code is left alone.
extension PickleContents {
  /// What a value holds under names.
  enum Holding {
    /// A dictionary, or what was put into an object as into one.
    case items([PickleValue.Pair])
    /// A `torch.nn.Module`: parameters and buffers under their names in the state dict.
    case module([PickleValue.Pair])
    /// An object's attributes: what stands in them may be a model, together they are none.
    case attributes([PickleValue.Pair])

    /// The names and what is under them.
    var pairs: [PickleValue.Pair] {
      switch self {
      case .items(let pairs), .module(let pairs), .attributes(let pairs): pairs
      }
    }
  }

  /// What a value holds under names; nil where it holds nothing so.
  ///
  /// - Parameter limit: How many tensors and parts a module may have.
  func holding(of value: PickleValue, limit: Int) -> Holding? {
    if let pairs = value.pairs { return .items(pairs) }
    guard case .object(let reference) = value, let object = objects[reference.number] else { return nil }
    if ModuleParts(object) != nil {
      var collector = ModuleCollector(contents: self, remaining: limit)
      collector.collect(value, prefix: "", depth: 0)
      return .module(collector.pairs)
    }
    if !object.pairs.isEmpty { return .items(object.pairs) }
    return object.attributes.map(Holding.attributes)
  }

  /// Whether a tensor or storage is within a value, or may be: no more than `budget` values are looked at.
  func mayHoldStorage(_ value: PickleValue, budget: inout Int) -> Bool {
    var waiting = [value]
    var seen: Set<Int> = []
    while let next = waiting.popLast() {
      guard budget > 0 else { return true }
      budget -= 1
      switch next {
      case .tensor, .storage: return true
      case .list(let items), .tuple(let items), .set(let items): waiting += items
      case .dict(let pairs), .orderedDict(let pairs): waiting += pairs.flatMap { [$0.key, $0.value] }
      case .object(let reference):
        if seen.insert(reference.number).inserted { waiting += objects[reference.number]?.contents ?? [] }
      default: break
      }
    }
    return false
  }
}

/// The dictionaries that every `torch.nn.Module` keeps its parts in.
/// Source: torch/nn/modules/module.py, Module.__init__ and state_dict.
private struct ModuleParts {
  let parameters: [PickleValue.Pair]
  let buffers: [PickleValue.Pair]
  let modules: [PickleValue.Pair]
  /// Buffers that a state dict leaves out.
  let passing: Set<String>

  /// nil where the object isn't such a module: it sets its state itself, or has it from elsewhere.
  init?(_ object: ForeignObject) {
    guard let attributes = object.attributes else { return nil }
    func part(_ name: String) -> PickleValue? { attributes.first { $0.key == .string(name) }?.value }
    guard let parameters = part("_parameters")?.pairs, let buffers = part("_buffers")?.pairs,
      let modules = part("_modules")?.pairs
    else { return nil }
    (self.parameters, self.buffers, self.modules) = (parameters, buffers, modules)
    guard case .set(let names)? = part("_non_persistent_buffers_set") else {
      passing = []
      return
    }
    passing = Set(names.compactMap { if case .string(let name) = $0 { name } else { nil } })
  }
}

/// Lists a module's tensors as `state_dict` does: parameters, buffers, then its parts' under their names with dots.
private struct ModuleCollector {
  let contents: PickleContents
  var remaining: Int
  private(set) var pairs: [PickleValue.Pair] = []

  init(contents: PickleContents, remaining: Int) {
    self.contents = contents
    self.remaining = remaining
  }

  /// Deepest module within modules; PyTorch's own recursion ends before.
  private static let depth = 200

  /// What is no module where one belongs, or too much, is listed as it is, so that it is refused by name.
  mutating func collect(_ value: PickleValue, prefix: String, depth: Int) {
    if value == .none { return }
    remaining -= 1
    guard remaining > 0, depth < Self.depth, case .object(let reference) = value,
      let parts = contents.objects[reference.number].flatMap(ModuleParts.init)
    else { return add(value, as: prefix.isEmpty ? "." : String(prefix.dropLast())) }
    for pair in parts.parameters { add(pair, prefix) }
    for pair in parts.buffers where !parts.passing.contains(Self.name(of: pair)) { add(pair, prefix) }
    for pair in parts.modules {
      guard remaining > 0 else { break }
      collect(pair.value, prefix: "\(prefix)\(Self.name(of: pair)).", depth: depth + 1)
    }
  }

  private mutating func add(_ pair: PickleValue.Pair, _ prefix: String) {
    if pair.value != .none { add(pair.value, as: prefix + Self.name(of: pair)) }
  }

  private mutating func add(_ value: PickleValue, as name: String) {
    remaining -= 1
    pairs.append(PickleValue.Pair(key: .string(name), value: value))
  }

  private static func name(of pair: PickleValue.Pair) -> String {
    if case .string(let name) = pair.key { name } else { pair.key.kind }
  }
}
