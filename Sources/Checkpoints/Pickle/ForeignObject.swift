import Files

/// What a class or function off the allow-list would have made of data in a pickle. The machine keeps the data under the
/// name and makes nothing: no name is imported, nothing is called.
struct ForeignObject: Equatable, Sendable {
  /// Stands for an object in a value. Objects may hold each other in circles, so that values only name them.
  struct Reference: Hashable, Sendable {
    /// Its number among the pickle's objects.
    let number: Int
    /// The class or function that would have made it, as `module.name`.
    let name: String

    /// What an error calls it.
    var kind: String {
      switch name {
      case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar": "a NumPy scalar"
      case "numpy.ndarray": "a NumPy array"
      default: "an object of \(name.prefix(80))"
      }
    }
  }

  /// What its class or function would have been given.
  let arguments: [PickleValue]
  /// What BUILD would have set its attributes to, each time.
  private(set) var states: [PickleValue] = []
  /// Keys and values that were put into it.
  private(set) var pairs: [PickleValue.Pair] = []
  /// Elements that were put into it.
  private(set) var elements: [PickleValue] = []

  init(arguments: [PickleValue]) { self.arguments = arguments }

  mutating func add(state: PickleValue) { states.append(state) }
  mutating func add(pairs: [PickleValue.Pair]) { self.pairs += pairs }
  mutating func add(elements: [PickleValue]) { self.elements += elements }

  /// Its attributes, where one BUILD sets them from a dictionary.
  var attributes: [PickleValue.Pair]? { states.count == 1 ? states[0].pairs : nil }

  /// Everything that it was given.
  var contents: [PickleValue] {
    arguments + states + pairs.flatMap { [$0.key, $0.value] } + elements
  }

  /// What becomes of names off the allow-list.
  enum Rule: Sendable {
    /// They are refused, as a scan has it.
    case refused
    /// They are kept as names, and what they would have made as data.
    case named
  }

  /// Longest name that is kept; Python's own are far shorter.
  static let longestName = 256

  /// Whether a text may be a name that is shown: short, on one line, and without what terminals act on.
  static func isName(_ text: String) -> Bool {
    text.utf8.count <= longestName
      && text.unicodeScalars.allSatisfy(\.isShown)
  }

  /// Modules that start programs, reach into the interpreter or load code: no training checkpoint needs one, so that a
  /// file which names one is refused, although nothing of it would run here.
  private static let launchers: Set<Substring> = [
    "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "pty", "commands", "popen2", "ctypes", "cffi",
    "importlib", "imp", "runpy", "code", "codeop", "webbrowser", "pickle", "_pickle", "cPickle", "marshal",
    "bdb",
    "pdb", "timeit", "cProfile", "profile", "pip", "ensurepip", "venv", "pkgutil", "zipimport", "urllib",
    "urllib2",
    "http", "httplib", "ftplib", "smtplib", "requests", "asyncio",
  ]
  private static let launchingBuiltins: Set<String> = [
    "eval", "exec", "execfile", "compile", "open", "file", "__import__", "input", "raw_input", "breakpoint",
    "globals",
    "locals", "vars", "setattr", "delattr", "exit", "quit", "apply",
  ]

  /// Whether a name is one of those that start programs or load code.
  static func runsPrograms(module: String, name: String) -> Bool {
    if ["builtins", "__builtin__", "__builtins__"].contains(module) {
      return name.split(separator: ".").first.map { launchingBuiltins.contains(String($0)) } ?? false
    }
    return module == "torch.hub" || module.split(separator: ".").first.map(launchers.contains) ?? false
  }

  /// Functions whose first argument is the class of what they make.
  private static let makers: Set<String> = [
    "copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__", "copy_reg.__newobj__",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    "torch._utils._rebuild_wrapper_subclass",
  ]
  /// Older names of what rebuilds a tensor as its class's, with the same arguments.
  /// Source: torch/tensor.py of 1.7 to 1.8, torch/_tensor.py of 1.9 and 1.10.
  static let olderRebuilders: Set<String> = [
    "torch.tensor._rebuild_from_type", "torch._tensor._rebuild_from_type", "torch.tensor._rebuild_from_type_v2",
  ]
  /// Functions whose second argument it is.
  private static let rebuilders = olderRebuilders.union(["torch._tensor._rebuild_from_type_v2"])
  private static let lookups: Set<String> = ["builtins.getattr", "__builtin__.getattr"]

  /// What to call what `maker` makes of `arguments`: by its class where that is said among them.
  static func name(madeBy maker: String, first: String?, second: String?) -> String {
    if makers.contains(maker), let first { return first }
    if rebuilders.contains(maker), let second { return second }
    if lookups.contains(maker), let first, let second { return "\(first).\(second)" }
    return maker
  }
}

/// What a whole pickle holds.
struct PickleContents: Sendable {
  let value: PickleValue
  /// The objects that values refer to, by number.
  let objects: [Int: ForeignObject]
  /// Every name off the allow-list, in the order in which they came.
  let foreignNames: [String]
  /// The storages that stacked pickles name, by their keys.
  let storages: [String: TorchStorage]
}

/// Objects, and what is put into them.
extension PickleMachine {
  /// Whether an item is a name off the allow-list or an object.
  func isForeign(_ item: Item) -> Bool {
    switch item {
    case .value(.foreign): true
    case .value: false
    case .node(let number): arena.kind(of: number) == .object
    }
  }

  /// The same, or a tuple with one in it.
  func holdsForeign(_ item: Item) -> Bool {
    isForeign(item) || tuple(item)?.contains(where: isForeign) ?? false
  }

  /// Pushes what the first part would have made of the others; a tensor where that is sure.
  mutating func pushObject(_ parts: [Item]) throws(PickleError) {
    if let tensor = try rebuiltTensor(parts) { return try push(.value(.tensor(tensor))) }
    try pushObject(named: name(of: parts[0]), parts)
  }

  mutating func pushObject(named maker: String, _ parts: [Item]) throws(PickleError) {
    let arguments = tuple(parts[1]) ?? []
    let known = ForeignObject.name(
      madeBy: maker, first: arguments.first.flatMap(className),
      second: arguments.count > 1 ? className(arguments[1]) ?? text(arguments[1]) : nil)
    let name = String(known.prefix(ForeignObject.longestName))
    // Objects take more room than other values do.
    try charge(Self.objectCharge + name.utf8.count / 16)
    try push(.node(arena.addObject(named: name, Array(parts.dropFirst()))))
  }

  private static let objectCharge = 8
  /// For each time that something is put into one.
  static let partCharge = 6

  /// What an item that is called is called.
  private func name(of item: Item) -> String {
    switch item {
    case .value(.foreign(let name)): name
    case .value(.global(let global)): global.name
    case .value(let value): value.kind
    case .node(let number): arena.kind(of: number) == .object ? arena.name(of: number) : kind(of: item)
    }
  }

  /// The name of an item that is a class.
  private func className(_ item: Item) -> String? {
    switch item {
    case .value(.foreign), .value(.global): name(of: item)
    case .value: nil
    case .node: isForeign(item) ? name(of: item) : nil
    }
  }

  private func text(_ item: Item) -> String? {
    if case .value(.string(let text)) = item { text } else { nil }
  }

  private mutating func rebuiltTensor(_ parts: [Item]) throws(PickleError) -> TorchTensor? {
    guard case .value(.foreign(let name)) = parts[0], ForeignObject.olderRebuilders.contains(name),
      let arguments = tuple(parts[1]), 3...4 ~= arguments.count
    else { return nil }
    return try tensor(ofType: arguments)
  }

  /// `(function, class, arguments, [state])` as a plain tensor. nil where it isn't sure that the numbers are the tensor's:
  /// where another function makes it, or its class is foreign and holds further tensors, as a quantized one does.
  mutating func tensor(ofType arguments: [Item]) throws(PickleError) -> TorchTensor? {
    guard case .value(.global(let function)) = arguments[0],
      [.rebuildTensorV2, .rebuildTensorV3, .rebuildParameter].contains(function),
      let inner = tuple(arguments[2])
    else { return nil }
    switch arguments[1] {
    case .value(.global(.tensorClass)), .value(.global(.parameterClass)): break
    default:
      guard isForeign(arguments[1]) else { return nil }
      if arguments.count > 3, try mayHoldStorage(arguments[3]) { return nil }
    }
    guard case .value(.tensor(let tensor)) = try call(function, inner) else { return nil }
    return tensor
  }

  /// Whether a tensor or storage is within an item, or so much that it isn't looked through.
  private mutating func mayHoldStorage(_ item: Item) throws(PickleError) -> Bool {
    var waiting = [item]
    var seen: Set<Int> = []
    while let next = waiting.popLast() {
      switch next {
      case .value(.tensor), .value(.storage): return true
      case .value: break
      case .node(let number):
        guard seen.insert(number).inserted else { continue }
        let items = arena.items(of: number)
        guard seen.count < 256, items.count < 4096 else { return true }
        try charge(items.count)
        waiting += items
      }
    }
    return false
  }
}

extension PickleArena {
  /// An object: its name, its arguments, and whatever is put into it afterwards.
  mutating func addObject(named name: String, _ arguments: [PickleMachine.Item]) -> Int {
    add(.object, [.value(.foreign(name)), .node(add(.list, arguments))])
  }

  func name(of object: Int) -> String {
    guard case .value(.foreign(let name))? = items(of: object).first else { return "" }
    return name
  }

  mutating func addState(_ state: PickleMachine.Item, to object: Int) {
    let part = add(.tuple, [state])
    append([.node(part)], to: object)
  }

  /// Puts items into an object: pairs of a dictionary, or elements.
  mutating func put(_ items: [PickleMachine.Item], pairs: Bool, into object: Int) {
    let kind = pairs ? Kind.dict : .set
    if case .node(let last)? = self.items(of: object).last, self.kind(of: last) == kind {
      append(items, to: last)
    } else {
      let part = add(kind, items)
      append([.node(part)], to: object)
    }
  }

  /// Every object with what it holds; all of it together within the limit for one value.
  ///
  /// - Throws: As `resolve`.
  mutating func objects(limits: ReadingLimits) throws(PickleError) -> [Int: ForeignObject] {
    var objects: [Int: ForeignObject] = [:]
    var total = 0
    for number in 0..<count where kind(of: number) == .object {
      var object: ForeignObject?
      for part in items(of: number).dropFirst() {
        let (value, count) = try counted(part, limits: limits)
        total += count
        guard total <= limits.pickleExpansion else { throw .bomb(limit: limits.pickleExpansion) }
        switch value {
        case .list(let arguments): object = ForeignObject(arguments: arguments)
        case .tuple(let states): for state in states { object?.add(state: state) }
        case .dict(let pairs): object?.add(pairs: pairs)
        case .set(let elements): object?.add(elements: elements)
        default: break
        }
      }
      objects[number] = object
    }
    return objects
  }
}
