import Tensors

/// What REDUCE, NEWOBJ, BUILD and BINPERSID mean in a checkpoint: fixed rules over allowed globals.
/// Source: torch/_utils.py, _rebuild_tensor_v2 and its kin; torch/serialization.py, persistent_load.
extension PickleMachine {
  mutating func pushGlobal(module: String, name: String) throws(PickleError) {
    guard let global = try PickleGlobal.named(module: module, name: name) else {
      throw .forbiddenGlobal(module: module, name: name, offset: offset)
    }
    try push(.value(.global(global)))
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

  /// `('storage', type, key, location, count)`.
  mutating func pushStorage() throws(PickleError) {
    let item = try pop(for: .binPersistentID)
    guard let id = tuple(item), id.count == 5 else {
      throw .persistentID(expected: "five parts", found: kind(of: item), offset: offset)
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
    guard (1...18).contains(key.utf8.count), key.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
      throw .storageKey(key, offset: offset)
    }
    guard case .value(.int(let count)) = id[4], count >= 0 else {
      throw .persistentID(expected: "an element count", found: kind(of: id[4]), offset: offset)
    }
    try push(.value(.storage(TorchStorage(key: key, elementType: type, count: count))))
  }

  mutating func reduce() throws(PickleError) {
    let parts = try pop(2, for: .reduce)
    guard case .value(.global(let global)) = parts[0] else {
      throw .cannotCall(found: kind(of: parts[0]), offset: offset)
    }
    guard let arguments = tuple(parts[1]) else {
      throw .cannotCall(found: "\(global.name) with \(kind(of: parts[1]))", offset: offset)
    }
    try push(try call(global, arguments))
  }

  mutating func create(keywords: Bool) throws(PickleError) {
    let parts = try pop(keywords ? 3 : 2, for: keywords ? .newObjectEx : .newObject)
    guard !keywords, case .value(.global(.orderedDict)) = parts[0], tuple(parts[1])?.isEmpty == true else {
      throw .cannotCreate(found: parts.map(kind).joined(separator: ", "), offset: offset)
    }
    try push(.orderedDict, [])
  }

  /// A state dict's `_metadata` attribute is state of the OrderedDict: read, and left out of the value.
  mutating func build() throws(PickleError) {
    let state = try pop(for: .build)
    let target = try top(for: .build)
    guard case .node(let number) = target, arena.kind(of: number) == .orderedDict else {
      throw .cannotBuild(found: kind(of: target), offset: offset)
    }
    guard case .node(let items) = state, [.dict, .orderedDict].contains(arena.kind(of: items)) else {
      throw .cannotBuild(found: "state that is \(kind(of: state))", offset: offset)
    }
  }

  private func tuple(_ item: Item) -> [Item]? {
    guard case .node(let number) = item, arena.kind(of: number) == .tuple else { return nil }
    return arena.items(of: number)
  }

  private mutating func call(_ global: PickleGlobal, _ arguments: [Item]) throws(PickleError) -> Item {
    func refuse(_ expected: String) -> PickleError {
      let found = arguments.isEmpty ? "nothing" : arguments.map(kind).joined(separator: ", ")
      return .arguments(of: global.name, expected: expected, found: found, offset: offset)
    }
    switch global {
    case .orderedDict:
      guard arguments.isEmpty else { throw refuse("nothing") }
      return .node(arena.add(.orderedDict, []))
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
      guard arguments.count == 4, case .value(.global(let function)) = arguments[0],
        [.rebuildTensorV2, .rebuildTensorV3, .rebuildParameter].contains(function),
        case .value(.global(let type)) = arguments[1], [.tensorClass, .parameterClass].contains(type),
        let inner = tuple(arguments[2])
      else { throw refuse("a rebuild function, a tensor class, a tuple and a state") }
      return try call(function, inner)
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
