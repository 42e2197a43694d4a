import Tensors

/// What REDUCE, NEWOBJ, BUILD and BINPERSID mean in a checkpoint: fixed rules over allowed globals.
/// Source: torch/_utils.py, _rebuild_tensor_v2 and its kin; torch/serialization.py, persistent_load.
extension PickleMachine {
  mutating func pushGlobal(module: String, name: String) throws(PickleError) {
    if let global = try PickleGlobal.named(module: module, name: name) {
      return try push(.value(.global(global)))
    }
    guard foreignRule == .named, !ForeignObject.runsPrograms(module: module, name: name),
      ForeignObject.isName("\(module).\(name)")
    else { throw .forbiddenGlobal(module: module, name: name, offset: offset) }
    try push(.value(.foreign(try note(foreign: "\(module).\(name)"))))
  }

  mutating func pushStackGlobal() throws(PickleError) {
    let parts = try pop(2, for: .stackGlobal)
    guard case .value(.string(let module)) = parts[0], case .value(.string(let name)) = parts[1] else {
      throw .arguments(
        of: "STACK_GLOBAL", expected: "two strings", found: parts.map(kind).joined(separator: ", "),
        offset: offset)
    }
    try pushGlobal(module: module, name: name)
  }

  /// What a persistent id stands for.
  mutating func pushPersistent() throws(PickleError) {
    let item = try pop(for: .binPersistentID)
    let id = tuple(item)
    switch persistentIDs {
    case .archive: try pushStorage(id, item)
    case .stacked:
      if let id, id.count == 4, case .value(.string("module")) = id[0] { return try push(id[1]) }
      try pushStorage(id, item)
    case .tar(let known):
      // A class that its source text goes with.
      if let id, id.count == 3 { return try push(id[0]) }
      guard let number = number(item), let value = known[number] else {
        throw .persistentID(
          expected: "the number of a tensor or storage that was read", found: kind(of: item), offset: offset)
      }
      try push(.value(value))
    }
  }

  private func number(_ item: Item) -> Int? {
    switch item {
    case .value(.int(let number)): number
    case .value(.string(let text)): Int(text)
    default: nil
    }
  }

  /// `('storage', type, key, location, count)`, in stacked pickles with a view or None as the sixth part.
  private mutating func pushStorage(_ id: [Item]?, _ item: Item) throws(PickleError) {
    let isStacked = persistentIDs == .stacked
    guard let id, id.count == (isStacked ? 6 : 5) else {
      throw .persistentID(
        expected: isStacked ? "six parts" : "five parts", found: kind(of: item), offset: offset)
    }
    guard case .value(.string("storage")) = id[0] else {
      throw .persistentID(expected: "'storage'", found: kind(of: id[0]), offset: offset)
    }
    let type: ElementType?
    switch id[1] {
    case .value(.global(.typedStorage(let element))): type = element
    case .value(.global(.untypedStorage)): type = nil
    default: throw .persistentID(expected: "a storage class", found: kind(of: id[1]), offset: offset)
    }
    guard case .value(.string(let key)) = id[2] else {
      throw .persistentID(expected: "a key", found: kind(of: id[2]), offset: offset)
    }
    guard (1...(isStacked ? 20 : 18)).contains(key.utf8.count), key.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
    else {
      throw .storageKey(key, offset: offset)
    }
    guard case .value(.int(let count)) = id[4], count >= 0 else {
      throw .persistentID(expected: "an element count", found: kind(of: id[4]), offset: offset)
    }
    let storage = TorchStorage(key: key, elementType: type, count: count)
    guard isStacked else { return try push(.value(.storage(storage))) }
    if let known = storages[key], known != storage {
      throw .persistentID(
        expected: "the type and the \(known.count) elements that storage \(key) had before",
        found: "\(storage.count) elements", offset: offset)
    }
    storages[key] = storage
    try push(.value(.storage(try view(id[5], of: storage))))
  }

  /// `(key, offset, count)` of a part of a storage, or None for all of it.
  private func view(_ item: Item, of storage: TorchStorage) throws(PickleError) -> TorchStorage {
    if case .value(.none) = item { return storage }
    guard let parts = tuple(item), parts.count == 3, case .value(.int(let start)) = parts[1],
      case .value(.int(let count)) = parts[2], start >= 0, count >= 0, start <= storage.count,
      count <= storage.count - start
    else {
      throw .persistentID(
        expected: "a view within the \(storage.count) elements of storage \(storage.key)",
        found: kind(of: item),
        offset: offset)
    }
    return TorchStorage(key: storage.key, elementType: storage.elementType, count: count, start: start)
  }

  mutating func reduce() throws(PickleError) {
    let parts = try pop(2, for: .reduce)
    if isForeign(parts[0]) { return try pushObject(parts) }
    guard case .value(.global(let global)) = parts[0] else {
      throw .cannotCall(found: kind(of: parts[0]), offset: offset)
    }
    guard let arguments = tuple(parts[1]) else {
      throw .cannotCall(found: "\(global.name) with \(kind(of: parts[1]))", offset: offset)
    }
    do throws(PickleError) {
      try push(try call(global, arguments))
    } catch {
      // What a known function makes of foreign objects is one itself.
      guard case .arguments = error, arguments.contains(where: holdsForeign) else { throw error }
      try pushObject(named: global.name, parts)
    }
  }

  mutating func create(keywords: Bool) throws(PickleError) {
    let parts = try pop(keywords ? 3 : 2, for: keywords ? .newObjectEx : .newObject)
    if isForeign(parts[0]) { return try pushObject(parts) }
    guard !keywords, case .value(.global(.orderedDict)) = parts[0], tuple(parts[1])?.isEmpty == true else {
      throw .cannotCreate(found: parts.map(kind).joined(separator: ", "), offset: offset)
    }
    try push(.orderedDict, [])
  }

  /// A state dict's `_metadata` attribute is state of the OrderedDict: read, and left out of the value.
  mutating func build() throws(PickleError) {
    let state = try pop(for: .build)
    let target = try top(for: .build)
    if case .node(let number) = target, arena.kind(of: number) == .object {
      try charge(Self.partCharge)
      return arena.addState(state, to: number)
    }
    guard case .node(let number) = target, arena.kind(of: number) == .orderedDict else {
      throw .cannotBuild(found: kind(of: target), offset: offset)
    }
    guard case .node(let items) = state, [.dict, .orderedDict].contains(arena.kind(of: items)) else {
      throw .cannotBuild(found: "state that is \(kind(of: state))", offset: offset)
    }
  }

  func tuple(_ item: Item) -> [Item]? {
    guard case .node(let number) = item, arena.kind(of: number) == .tuple else { return nil }
    return arena.items(of: number)
  }

  mutating func call(_ global: PickleGlobal, _ arguments: [Item]) throws(PickleError) -> Item {
    func refuse(_ expected: String) -> PickleError {
      let found = arguments.isEmpty ? "nothing" : arguments.map(kind).joined(separator: ", ")
      return .arguments(of: global.name, expected: expected, found: found, offset: offset)
    }
    switch global {
    case .orderedDict:
      if arguments.isEmpty { return .node(arena.add(.orderedDict, [])) }
      guard foreignRule == .named, let items = container(arguments, .list), let pairs = listedPairs(items)
      else {
        throw refuse("nothing")
      }
      try charge(pairs.count)
      return .node(arena.add(.orderedDict, try checkedPairs(pairs, .reduce)))
    case .counter:
      guard let items = container(arguments, .dict) else { throw refuse("a dict") }
      try charge(items.count)
      return .node(arena.add(.dict, items))
    case .set:
      guard let items = container(arguments, .list) else { throw refuse("a list") }
      try charge(items.count)
      return .node(arena.add(.set, items))
    case .size:
      guard let items = container(arguments, .tuple) else { throw refuse("a tuple of ints") }
      try charge(items.count)
      return .node(arena.add(.tuple, items))
    case .complex:
      guard arguments.count == 2, case .value(.float(let real)) = arguments[0],
        case .value(.float(let imaginary)) = arguments[1]
      else { throw refuse("two floats") }
      return .value(.complex(real, imaginary))
    case .byteArray:
      if arguments.isEmpty { return .value(.bytes([])) }
      if arguments.count == 2, foreignRule == .named {
        return .value(.bytes(try latin1(arguments, refuse("Latin-1 text"))))
      }
      guard arguments.count == 1, case .value(.bytes) = arguments[0] else { throw refuse("bytes") }
      return arguments[0]
    case .encode: return .value(.bytes(try latin1(arguments, refuse("Latin-1 text"))))
    case .device, .layout:
      guard case .value(.string(let name))? = arguments.first, arguments.count <= 2 else {
        throw refuse("a name")
      }
      return .value(global == .device ? .device(name) : .layout(name))
    case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3:
      return .value(.tensor(try tensor(global, arguments)))
    case .rebuildParameter, .rebuildParameterWithState, .parameterClass:
      guard case .value(.tensor)? = arguments.first, arguments.count <= 4 else {
        throw refuse("a tensor first")
      }
      return arguments[0]
    case .rebuildFromType:
      guard arguments.count == 4, let tensor = try tensor(ofType: arguments) else {
        throw refuse("a rebuild function, a tensor class, a tuple and a state")
      }
      return .value(.tensor(tensor))
    case .tensorClass, .elementType, .typedStorage, .untypedStorage:
      throw .cannotCall(found: global.name, offset: offset)
    }
  }

  /// The items of the one container that is an argument.
  private func container(_ arguments: [Item], _ kind: PickleArena.Kind) -> [Item]? {
    guard arguments.count == 1, case .node(let number) = arguments[0], arena.kind(of: number) == kind else {
      return nil
    }
    return arena.items(of: number)
  }

  /// Keys and values in turn of lists of two, as Python 2 writes an OrderedDict.
  private func listedPairs(_ items: [Item]) -> [Item]? {
    var pairs: [Item] = []
    for item in items {
      guard case .node(let number) = item, [.list, .tuple].contains(arena.kind(of: number)),
        case let pair = arena.items(of: number), pair.count == 2
      else { return nil }
      pairs += pair
    }
    return pairs
  }

  /// Protocol 2 has no bytes: Python writes them as `_codecs.encode(text, 'latin1')`.
  private mutating func latin1(_ arguments: [Item], _ refusal: PickleError) throws(PickleError) -> [UInt8] {
    guard arguments.count == 2, case .value(.string(let text)) = arguments[0],
      case .value(.string(let encoding)) = arguments[1], ["latin1", "latin-1"].contains(encoding)
    else { throw refusal }
    try charge(text.utf8.count)
    let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
    guard bytes.count == text.unicodeScalars.count else { throw refusal }
    return bytes
  }

  /// `(storage, offset, size, stride, requires_grad, backward_hooks, [dtype in v3], [metadata])`.
  private mutating func tensor(
    _ function: PickleGlobal, _ arguments: [Item]
  ) throws(PickleError) -> TorchTensor {
    let expected = "a storage, an offset, a size, strides"
    let counts = function == .rebuildTensor ? 4...4 : function == .rebuildTensorV2 ? 6...7 : 7...8
    guard counts.contains(arguments.count), case .value(.storage(let storage)) = arguments[0],
      case .value(.int(let start)) = arguments[1], let extents = integers(arguments[2]),
      let strides = integers(arguments[3])
    else {
      throw .arguments(
        of: function.name, expected: expected, found: arguments.map(kind).joined(separator: ", "),
        offset: offset)
    }
    try charge(extents.count + strides.count)
    var type = storage.elementType
    if function == .rebuildTensorV3 {
      guard case .value(.global(.elementType(let declared))) = arguments[6] else {
        throw .arguments(of: function.name, expected: "a dtype", found: kind(of: arguments[6]), offset: offset)
      }
      type = declared
    }
    guard let type else {
      throw .arguments(of: function.name, expected: "a typed storage", found: "an untyped one", offset: offset)
    }
    // Metadata says that the numbers are to be conjugated or negated, which plain bytes can't say.
    if arguments.count == counts.upperBound, counts.count > 1, !isEmpty(arguments[counts.upperBound - 1]) {
      throw .arguments(
        of: function.name, expected: "no metadata", found: kind(of: arguments[counts.upperBound - 1]),
        offset: offset)
    }
    do {
      return try TorchTensor(
        storage: storage, elementType: type, offset: start, extents: extents, strides: strides,
        maximumRank: limits.rank)
    } catch {
      throw .geometry(error)
    }
  }

  private func integers(_ item: Item) -> [Int]? {
    guard let items = tuple(item) else { return nil }
    let numbers = items.compactMap { item -> Int? in
      guard case .value(.int(let number)) = item else { return nil }
      return number
    }
    return numbers.count == items.count ? numbers : nil
  }

  private func isEmpty(_ item: Item) -> Bool {
    switch item {
    case .value(let value): value == .none
    case .node(let number): arena.items(of: number).isEmpty
    }
  }
}
