/// What a pickle of a checkpoint can hold: data, and references to tensors' storages.
indirect enum PickleValue: Equatable, Sendable {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer beyond 64 bits: little-endian two's complement.
  case largeInt([UInt8])
  case float(Double)
  case complex(Double, Double)
  case string(String)
  case bytes([UInt8])
  case list([PickleValue])
  case tuple([PickleValue])
  case set([PickleValue])
  case dict([Pair])
  case orderedDict([Pair])
  case tensor(TorchTensor)
  case storage(TorchStorage)
  case global(PickleGlobal)
  case device(String)
  case layout(String)
  /// A class or function off the allow-list, as `module.name`: a name and nothing more.
  case foreign(String)
  /// What such a class or function would have made: where among the pickle's objects it stands.
  case object(ForeignObject.Reference)

  /// One item of a dictionary.
  struct Pair: Equatable, Sendable {
    let key: PickleValue
    let value: PickleValue
  }

  /// The items of a dictionary of either kind.
  var pairs: [Pair]? {
    switch self {
    case .dict(let pairs), .orderedDict(let pairs): pairs
    default: nil
    }
  }

  /// The value under a string key of a dictionary.
  subscript(key: String) -> PickleValue? { pairs?.first { $0.key == .string(key) }?.value }

  /// What an error calls it.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .int, .largeInt: "an int"
    case .float: "a float"
    case .complex: "a complex number"
    case .string(let text): "the string '\(text.prefix(60))'"
    case .bytes: "bytes"
    case .list: "a list"
    case .tuple: "a tuple"
    case .set: "a set"
    case .dict: "a dict"
    case .orderedDict: "an OrderedDict"
    case .tensor: "a tensor"
    case .storage: "a storage"
    case .global(let global): global.name
    case .device: "a device"
    case .layout: "a layout"
    case .foreign(let name): "\(name.prefix(80)) by name"
    case .object(let object): object.kind
    }
  }
}

/// The containers of a pickle under construction, each made once and referred to by number.
struct PickleArena {
  enum Kind: String {
    case list, tuple, set, dict
    case orderedDict = "OrderedDict"
    case object
  }

  private struct Node {
    let kind: Kind
    /// A dictionary's keys and values alternate.
    var items: [PickleMachine.Item]
    var state = State.untouched
  }

  private enum State {
    case untouched
    case open
    case resolved(Resolved)
  }

  /// A finished value, how deep its containers nest, and how many values it stands for when written out.
  private struct Resolved {
    let value: PickleValue
    var height = 0
    var count = 1
  }

  private var nodes: [Node] = []

  mutating func add(_ kind: Kind, _ items: [PickleMachine.Item]) -> Int {
    nodes.append(Node(kind: kind, items: items))
    return nodes.count - 1
  }

  mutating func append(_ items: [PickleMachine.Item], to number: Int) { nodes[number].items += items }

  func kind(of number: Int) -> Kind { nodes[number].kind }

  /// How many containers there are.
  var count: Int { nodes.count }

  func items(of number: Int) -> [PickleMachine.Item] { nodes[number].items }

  /// The value that an item stands for.
  ///
  /// - Throws: `PickleError.cycle`, `.tooDeep`, `.bomb` or `.duplicateKey`.
  mutating func resolve(_ item: PickleMachine.Item, limits: ReadingLimits) throws(PickleError) -> PickleValue {
    try resolve(item, depth: 0, limits).value
  }

  /// The same, and how many values it stands for when written out.
  mutating func counted(
    _ item: PickleMachine.Item, limits: ReadingLimits
  ) throws(PickleError) -> (value: PickleValue, count: Int) {
    let resolved = try resolve(item, depth: 0, limits)
    return (resolved.value, resolved.count)
  }

  private mutating func resolve(
    _ item: PickleMachine.Item, depth: Int, _ limits: ReadingLimits
  ) throws(PickleError) -> Resolved {
    let number: Int
    switch item {
    case .value(let value): return Resolved(value: value)
    case .node(let node): number = node
    }
    switch nodes[number].state {
    case .resolved(let resolved): return resolved
    case .open: throw .cycle
    case .untouched: break
    }
    if nodes[number].kind == .object {
      // Objects may hold each other in circles, so that values don't hold them: they name them.
      return Resolved(value: .object(ForeignObject.Reference(number: number, name: name(of: number))))
    }
    guard depth < limits.pickleNesting else { throw .tooDeep(limit: limits.pickleNesting) }
    nodes[number].state = .open
    var values: [PickleValue] = []
    values.reserveCapacity(nodes[number].items.count)
    var (height, count) = (0, 1)
    for child in nodes[number].items {
      let resolved = try resolve(child, depth: depth + 1, limits)
      values.append(resolved.value)
      height = max(height, resolved.height)
      count += resolved.count
      guard count <= limits.pickleExpansion else { throw .bomb(limit: limits.pickleExpansion) }
    }
    guard height < limits.pickleNesting else { throw .tooDeep(limit: limits.pickleNesting) }
    let result = Resolved(
      value: try Self.container(nodes[number].kind, values), height: height + 1, count: count)
    nodes[number].state = .resolved(result)
    return result
  }

  private static func container(_ kind: Kind, _ values: [PickleValue]) throws(PickleError) -> PickleValue {
    switch kind {
    case .list: .list(values)
    case .tuple: .tuple(values)
    case .set: .set(values)
    case .dict: .dict(try pairs(values))
    case .orderedDict: .orderedDict(try pairs(values))
    case .object: preconditionFailure("an object is no container")
    }
  }

  /// Python would let the later of two equal keys win; a genuine pickle has none.
  private static func pairs(_ values: [PickleValue]) throws(PickleError) -> [PickleValue.Pair] {
    var names: Set<String> = []
    var numbers: Set<Int> = []
    var pairs: [PickleValue.Pair] = []
    for index in stride(from: 0, to: values.count, by: 2) {
      switch values[index] {
      case .string(let name):
        guard names.insert(name).inserted else { throw .duplicateKey("'\(name)'") }
      case .int(let number):
        guard numbers.insert(number).inserted else { throw .duplicateKey("\(number)") }
      default: break
      }
      pairs.append(PickleValue.Pair(key: values[index], value: values[index + 1]))
    }
    return pairs
  }
}

/// What a pickle keeps under numbers to come back to. Picklers count from 0, so an array holds what a dictionary would
/// look up; numbers out of that order go to one nevertheless, since the file chooses them.
struct PickleMemo {
  private var first: [PickleMachine.Item] = []
  private var others: [Int: PickleMachine.Item] = [:]

  var count: Int { first.count + others.count }

  /// What is kept under a number.
  subscript(index: Int) -> PickleMachine.Item? {
    get { index < first.count ? first[index] : others.isEmpty ? nil : others[index] }
    set {
      guard let newValue else { return }
      if index < first.count {
        first[index] = newValue
      } else if index == first.count, others.isEmpty {
        first.append(newValue)
      } else {
        others[index] = newValue
      }
    }
  }
}
