/// A pickle interpreter that knows data only: it makes values and containers, looks globals up in a fixed list
/// and calls none of them. Containers live in an arena and refer to each other by number, so that shared ones
/// cost nothing and a cycle is seen when the result is resolved.
/// Source: CPython Lib/pickletools.py; torch/_weights_only_unpickler.py for what a checkpoint may do.
struct PickleMachine {
  /// A value on the stack: finished, or a container in the arena.
  enum Item {
    case value(PickleValue)
    case node(Int)
  }

  let limits: ReadingLimits
  let foreignRule: ForeignObject.Rule
  let persistentIDs: PersistentIDs
  var arena: PickleArena
  var cursor: PickleCursor
  var stack: [Item] = []
  var memo = PickleMemo()
  /// Where the open MARKs stand on the stack.
  private var marks: [Int] = []
  /// Where the opcode under way began.
  private(set) var offset = 0
  private var created = 0
  /// Storages of stacked pickles by their keys.
  var storages: [String: TorchStorage] = [:]
  /// Names off the allow-list, each once.
  private var foreignNames: [String] = []
  private var foreignNumbers: [String: Int] = [:]

  /// The value of a whole pickle that names nothing off the allow-list.
  static func read(_ bytes: [UInt8], limits: ReadingLimits) throws(PickleError) -> PickleValue {
    try contents(of: bytes, limits: limits, foreign: .refused).value
  }

  /// What persistent ids are, by the layout of the file that the pickle stands in.
  enum PersistentIDs: Equatable {
    /// A zip archive's: storages, an entry each.
    case archive
    /// Stacked pickles': storages, which follow the pickles, and views of them; classes that their source goes with.
    case stacked
    /// A tar archive's: numbers of tensors and storages that were read before.
    case tar([Int: PickleValue])
  }

  /// What a whole pickle holds.
  static func contents(
    of bytes: [UInt8], limits: ReadingLimits, foreign: ForeignObject.Rule, persistent: PersistentIDs = .archive
  ) throws(PickleError) -> PickleContents {
    guard bytes.count <= limits.pickleBytes else {
      throw .tooLong(byteCount: bytes.count, limit: limits.pickleBytes)
    }
    var machine = PickleMachine(bytes, limits: limits, foreign: foreign, persistent: persistent)
    let result = try machine.run()
    let value = try machine.arena.resolve(result, limits: limits)
    let objects = machine.foreignNames.isEmpty ? [:] : try machine.arena.objects(limits: limits)
    return PickleContents(
      value: value, objects: objects, foreignNames: machine.foreignNames,
      storages: machine.storages)
  }

  private init(
    _ bytes: [UInt8], limits: ReadingLimits, foreign: ForeignObject.Rule, persistent: PersistentIDs
  ) {
    self.limits = limits
    foreignRule = foreign
    persistentIDs = persistent
    arena = PickleArena()
    cursor = PickleCursor(bytes)
  }

  private mutating func run() throws(PickleError) -> Item {
    let first = cursor.byte()
    guard first == PickleOpcode.proto.rawValue else { throw .noProtocol(found: first) }
    try readProtocol()
    while true {
      offset = cursor.offset
      guard let byte = cursor.byte() else { throw .noStop(offset: offset) }
      guard let opcode = PickleOpcode(rawValue: byte) else {
        if let name = PickleOpcode.refused[byte] { throw .refusedOpcode(name, offset: offset) }
        throw .unknownOpcode(byte, offset: offset)
      }
      if opcode == .stop { break }
      try execute(opcode)
    }
    let result = try pop(for: .stop)
    guard stack.isEmpty, marks.isEmpty else { throw .leftOnStack(count: stack.count + marks.count + 1) }
    guard cursor.remaining == 0 else { throw .trailingData(byteCount: cursor.remaining) }
    return result
  }

  private mutating func readProtocol() throws(PickleError) {
    let version = Int(try cursor.integer(UInt8.self, of: .proto))
    guard 2...5 ~= version else { throw .unsupportedProtocol(found: version) }
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(PickleError) {
    switch opcode {
    case .stop: break
    case .proto: try readProtocol()
    case .frame: try readFrame()
    case .mark: try mark()
    case .pop: try discard()
    case .popMark: _ = try popToMark(for: opcode)
    case .dup: try push(try top(for: opcode))
    case .memoize: try remember(memo.count, opcode)
    case .binPut: try remember(Int(try cursor.integer(UInt8.self, of: opcode)), opcode)
    case .longBinPut: try remember(Int(try cursor.integer(UInt32.self, of: opcode)), opcode)
    case .binGet: try recall(Int(try cursor.integer(UInt8.self, of: opcode)))
    case .longBinGet: try recall(Int(try cursor.integer(UInt32.self, of: opcode)))
    case .emptyList: try push(.list, [])
    case .emptyTuple: try push(.tuple, [])
    case .emptyDict: try push(.dict, [])
    case .emptySet: try push(.set, [])
    case .list: try push(.list, try popToMark(for: opcode))
    case .tuple: try push(.tuple, try popToMark(for: opcode))
    case .tuple1: try push(.tuple, try pop(1, for: opcode))
    case .tuple2: try push(.tuple, try pop(2, for: opcode))
    case .tuple3: try push(.tuple, try pop(3, for: opcode))
    case .frozenSet: try push(.set, try popToMark(for: opcode))
    case .dict: try push(.dict, try checkedPairs(try popToMark(for: opcode), opcode))
    case .append: try fill([.list], with: [try pop(for: opcode)], opcode)
    case .appends: try fill([.list], with: try popToMark(for: opcode), opcode)
    case .addItems: try fill([.set], with: try popToMark(for: opcode), opcode)
    case .setItem:
      try fill([.dict, .orderedDict], with: try checkedPairs(try pop(2, for: opcode), opcode), opcode)
    case .setItems:
      try fill([.dict, .orderedDict], with: try checkedPairs(try popToMark(for: opcode), opcode), opcode)
    case .global: try pushGlobal(module: try cursor.line(of: opcode), name: try cursor.line(of: opcode))
    case .stackGlobal: try pushStackGlobal()
    case .reduce: try reduce()
    case .newObject: try create(keywords: false)
    case .newObjectEx: try create(keywords: true)
    case .build: try build()
    case .binPersistentID: try pushPersistent()
    default: try push(.value(try scalar(opcode)))
    }
  }

  /// The value that an opcode carries in its argument.
  private mutating func scalar(_ opcode: PickleOpcode) throws(PickleError) -> PickleValue {
    switch opcode {
    case .newTrue: .bool(true)
    case .newFalse: .bool(false)
    case .binInt: .int(Int(try cursor.integer(Int32.self, of: opcode)))
    case .binInt1: .int(Int(try cursor.integer(UInt8.self, of: opcode)))
    case .binInt2: .int(Int(try cursor.integer(UInt16.self, of: opcode)))
    case .long1: Self.integer(try cursor.run(UInt8.self, of: opcode))
    case .long4: Self.integer(try cursor.run(UInt32.self, of: opcode))
    case .binFloat: .float(Double(bitPattern: try cursor.integer(UInt64.self, of: opcode).byteSwapped))
    case .shortBinString where foreignRule == .named: Self.text(try cursor.run(UInt8.self, of: opcode))
    case .binString where foreignRule == .named: Self.text(try cursor.run(UInt32.self, of: opcode))
    case .shortBinString, .shortBinUnicode: .string(try cursor.text(UInt8.self, of: opcode))
    case .binString, .binUnicode: .string(try cursor.text(UInt32.self, of: opcode))
    case .binUnicode8: .string(try cursor.text(UInt64.self, of: opcode))
    case .shortBinBytes: .bytes(Array(try cursor.run(UInt8.self, of: opcode)))
    case .binBytes: .bytes(Array(try cursor.run(UInt32.self, of: opcode)))
    case .binBytes8, .byteArray8: .bytes(Array(try cursor.run(UInt64.self, of: opcode)))
    default: .none
    }
  }

  /// Python 2's strings: text, or the bytes of an array.
  private static func text(_ bytes: ArraySlice<UInt8>) -> PickleValue {
    String(validating: bytes, as: UTF8.self).map(PickleValue.string) ?? .bytes(Array(bytes))
  }

  /// A little-endian two's-complement integer of any length.
  private static func integer(_ bytes: ArraySlice<UInt8>) -> PickleValue {
    guard bytes.count <= 8 else { return .largeInt(Array(bytes)) }
    let sign: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
    return .int(Int(bitPattern: UInt(bytes.reversed().reduce(sign) { $0 << 8 | UInt64($1) })))
  }

  private mutating func readFrame() throws(PickleError) {
    let declared = try cursor.integer(UInt64.self, of: .frame)
    guard declared <= UInt64(cursor.remaining) else {
      throw .lengthBeyondEnd(
        opcode: "FRAME", declared: declared, remaining: cursor.remaining, offset: offset)
    }
  }
}

/// Stack and memo.
extension PickleMachine {
  /// Counts work towards the limit of values, before it is done.
  mutating func charge(_ values: Int) throws(PickleError) {
    created += values
    guard created <= limits.pickleValues else {
      throw .limit(of: "pickled values", limit: limits.pickleValues, offset: offset)
    }
  }

  /// The one copy of a name off the allow-list, however often it comes.
  mutating func note(foreign name: String) throws(PickleError) -> String {
    if let number = foreignNumbers[name] { return foreignNames[number] }
    try charge(name.utf8.count / 16)
    foreignNumbers[name] = foreignNames.count
    foreignNames.append(name)
    return name
  }

  mutating func push(_ item: Item) throws(PickleError) {
    try charge(1)
    guard stack.count < limits.pickleStack else {
      throw .limit(of: "values on the stack", limit: limits.pickleStack, offset: offset)
    }
    stack.append(item)
  }

  mutating func push(_ kind: PickleArena.Kind, _ items: [Item]) throws(PickleError) {
    try push(.node(arena.add(kind, items)))
  }

  func top(for opcode: PickleOpcode) throws(PickleError) -> Item {
    guard let item = stack.last, stack.count > marks.last ?? 0 else {
      throw .stackUnderflow(opcode: opcode.name, offset: offset)
    }
    return item
  }

  mutating func pop(for opcode: PickleOpcode) throws(PickleError) -> Item {
    let item = try top(for: opcode)
    stack.removeLast()
    return item
  }

  mutating func pop(_ count: Int, for opcode: PickleOpcode) throws(PickleError) -> [Item] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw .stackUnderflow(opcode: opcode.name, offset: offset)
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func mark() throws(PickleError) {
    guard marks.count < limits.pickleStack else {
      throw .limit(of: "open MARKs", limit: limits.pickleStack, offset: offset)
    }
    marks.append(stack.count)
  }

  private mutating func popToMark(for opcode: PickleOpcode) throws(PickleError) -> [Item] {
    guard let mark = marks.popLast() else { throw .noMark(opcode: opcode.name, offset: offset) }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  /// POP takes a value, or the MARK where that is on top.
  private mutating func discard() throws(PickleError) {
    if marks.last == stack.count {
      marks.removeLast()
    } else {
      _ = try pop(for: .pop)
    }
  }

  private mutating func remember(_ index: Int, _ opcode: PickleOpcode) throws(PickleError) {
    memo[index] = try top(for: opcode)
    guard memo.count <= limits.pickleMemo else {
      throw .limit(of: "memo entries", limit: limits.pickleMemo, offset: offset)
    }
  }

  private mutating func recall(_ index: Int) throws(PickleError) {
    guard let item = memo[index] else { throw .memoMissing(index: index, offset: offset) }
    try push(item)
  }

  func checkedPairs(_ items: [Item], _ opcode: PickleOpcode) throws(PickleError) -> [Item] {
    guard items.count.isMultiple(of: 2) else { throw .oddItems(opcode: opcode.name, offset: offset) }
    for index in stride(from: 0, to: items.count, by: 2) {
      if case .node(let number) = items[index], ![.tuple, .object].contains(arena.kind(of: number)) {
        throw .unhashableKey(found: arena.kind(of: number).rawValue, offset: offset)
      }
    }
    return items
  }

  private mutating func fill(
    _ kinds: [PickleArena.Kind], with items: [Item], _ opcode: PickleOpcode
  ) throws(PickleError) {
    let target = try top(for: opcode)
    if case .node(let number) = target, arena.kind(of: number) == .object {
      try charge(Self.partCharge)
      return arena.put(items, pairs: kinds[0] == .dict, into: number)
    }
    guard case .node(let number) = target, kinds.contains(arena.kind(of: number)) else {
      throw .wrongContainer(
        opcode: opcode.name, expected: kinds[0].rawValue, found: kind(of: target), offset: offset)
    }
    arena.append(items, to: number)
  }

  /// What an error calls an item.
  func kind(of item: Item) -> String {
    switch item {
    case .value(let value): value.kind
    case .node(let number): "a \(arena.kind(of: number).rawValue)"
    }
  }
}
