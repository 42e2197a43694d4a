import Testing

@testable import Checkpoints

/// Pickles by hand, with names off the allow-list.
@Suite struct ForeignObjectTests {
  private func contents(
    _ opcodes: [UInt8], limits: ReadingLimits = ReadingLimits()
  ) throws(PickleError) -> PickleContents {
    try PickleMachine.contents(of: [0x80, 2] + opcodes + [0x2e], limits: limits, foreign: .named)
  }

  /// `module.name`, given `(7,)` by REDUCE.
  private func made(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8) + [0x4b, 7, 0x85, 0x52]
  }

  @Test func keepsNameArgumentsStateAndItems() throws {
    // a.B(7), BUILD of {'x': 1}, SETITEM 'k': 2, APPEND 3, SETITEM 'l': 4.
    let opcodes =
      made("a", "B") + [0x7d, 0x55, 1, 0x78, 0x4b, 1, 0x73, 0x62, 0x55, 1, 0x6b, 0x4b, 2, 0x73, 0x4b, 3, 0x61]
      + [0x55, 1, 0x6c, 0x4b, 4, 0x73]
    let contents = try contents(opcodes)
    guard case .object(let reference) = contents.value else {
      Issue.record("\(contents.value)")
      return
    }
    #expect(reference.name == "a.B" && contents.foreignNames == ["a.B"])
    let object = try #require(contents.objects[reference.number])
    #expect(object.arguments == [.tuple([.int(7)])])
    #expect(object.attributes == [.init(key: .string("x"), value: .int(1))])
    #expect(
      object.pairs == [.init(key: .string("k"), value: .int(2)), .init(key: .string("l"), value: .int(4))])
    #expect(object.elements == [.int(3)])
  }

  @Test func keepsNamesOnce() throws {
    let contents = try contents([0x28] + made("a", "B") + made("c", "D") + made("a", "B") + [0x74])
    #expect(contents.foreignNames == ["a.B", "c.D"])
    #expect(contents.objects.count == 3)
  }

  /// A class within a class is looked up in Python; here its name is put together.
  @Test func namesWhatIsLookedUp() throws {
    let lookup = Array("c__builtin__\ngetattr\nca\nB\n".utf8) + [0x55, 1, 0x43, 0x86, 0x52]
    guard case .object(let reference) = try contents(lookup + [0x29, 0x81]).value else {
      Issue.record("no object")
      return
    }
    #expect(reference.name == "a.B.C")
  }

  @Test func anObjectMayHoldItself() throws {
    // x = a.B(7); x.append(x)
    let contents = try contents(made("a", "B") + [0x71, 0, 0x68, 0, 0x61])
    guard case .object(let reference) = contents.value else {
      Issue.record("\(contents.value)")
      return
    }
    #expect(contents.objects[reference.number]?.elements == [.object(reference)])
  }

  @Test func listsThatHoldThemselvesAreRefusedInObjectsToo() {
    // a.B(7).append(x) with x = []; x.append(x)
    let list: [UInt8] = [0x5d, 0x71, 0, 0x68, 0, 0x61]
    #expect(throws: PickleError.cycle) { try contents(made("a", "B") + list + [0x61]) }
  }

  /// A tensor of a foreign class is one where its state is seen to hold no other, which of much isn't tried.
  @Test func makesTensorsOfForeignClassesWithSmallStatesOnly() throws {
    func text(_ text: String) -> [UInt8] { [0x55, UInt8(text.utf8.count)] + Array(text.utf8) }
    var storage: [UInt8] = [0x28] + text("storage") + Array("ctorch\nFloatStorage\n".utf8)
    storage += text("0") + text("cpu") + [0x4b, 4, 0x74, 0x51]
    // (storage, 0, (4,), (1,), False, OrderedDict())
    var view: [UInt8] = [0x28] + storage + [0x4b, 0, 0x4b, 4, 0x85, 0x4b, 1, 0x85, 0x89]
    view += Array("ccollections\nOrderedDict\n)Rt".utf8)
    // _rebuild_from_type_v2(_rebuild_tensor_v2, a.B, view, [state, …])
    let functions = "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nca\nB\n"
    let opening: [UInt8] = Array(functions.utf8) + view + [0x5d, 0x28]
    func kind(_ state: [UInt8]) throws -> String {
      try contents(opening + state + [0x65, 0x74, 0x52]).value.kind
    }
    let few = try kind([UInt8](repeating: 0x4e, count: 100) + [UInt8](repeating: 0x29, count: 100))
    #expect(few == "a tensor")
    // A list of many items, and many containers within one.
    let large: [(opcode: UInt8, count: Int)] = [(0x4e, 5000), (0x29, 1000)]
    for (opcode, count) in large {
      let many = try kind([UInt8](repeating: opcode, count: count))
      #expect(many == "an object of a.B")
    }
    // The tensor's own storage in a list.
    #expect(try kind(storage) == "an object of a.B")
  }

  @Test(arguments: [
    ("os", "system"), ("posix", "popen"), ("subprocess", "Popen"), ("subprocess.sub", "x"),
    ("builtins", "eval"),
    ("__builtin__", "exec"), ("builtins", "__import__"), ("torch.hub", "load"), ("importlib", "import_module"),
    ("runpy", "run_path"), ("sys", "exit"), ("builtins", "eval.x"),
  ])
  func refusesWhatStartsPrograms(_ name: (module: String, name: String)) {
    #expect(throws: PickleError.forbiddenGlobal(module: name.module, name: name.name, offset: 2)) {
      try contents(made(name.module, name.name))
    }
  }

  @Test(arguments: [("osmodule", "system"), ("builtins", "print"), ("torch.hubs", "load"), ("a.os", "x")])
  func onlyNamesOthers(_ name: (module: String, name: String)) throws {
    #expect(try contents(made(name.module, name.name)).foreignNames == ["\(name.module).\(name.name)"])
  }

  @Test func refusesNamesThatTerminalsActOn() {
    // STACK_GLOBAL of "a" and "\u{1b}[2J".
    #expect(throws: PickleError.self) { try contents([0x55, 1, 0x61, 0x55, 4, 0x1b, 0x5b, 0x32, 0x4a, 0x93]) }
    #expect(throws: PickleError.self) { try contents([0x55, 1, 0x61, 0x55, 1, 0x0a, 0x93]) }
    #expect(throws: Never.self) { try contents([0x55, 1, 0x61, 0x55, 1, 0x3c, 0x93]) }
  }

  @Test func refusesLongNames() throws {
    let long = String(repeating: "n", count: 254)
    #expect(throws: Never.self) { try contents(made("a", long)) }
    #expect(throws: PickleError.forbiddenGlobal(module: "a", name: long + "n", offset: 2)) {
      try contents(made("a", long + "n"))
    }
  }

  /// Without leave to name others, as a scan has it, all is as it was.
  @Test func refusesAllWhereNoneMayBeNamed() {
    #expect(throws: PickleError.forbiddenGlobal(module: "a", name: "B", offset: 2)) {
      try PickleMachine.read([0x80, 2] + made("a", "B") + [0x2e], limits: ReadingLimits())
    }
    // OrderedDict([]), Python 2's way, and its strings.
    let dictionary = Array("ccollections\nOrderedDict\n".utf8) + [0x5d, 0x85, 0x52]
    #expect(throws: PickleError.self) {
      try PickleMachine.read([0x80, 2] + dictionary + [0x2e], limits: ReadingLimits())
    }
    #expect(throws: PickleError.invalidText(opcode: "SHORT_BINSTRING", offset: 2)) {
      try PickleMachine.read([0x80, 2, 0x55, 1, 0xff, 0x2e], limits: ReadingLimits())
    }
  }

  @Test func readsPython2() throws {
    // OrderedDict([['k', '\xff']])
    let opcodes =
      Array("ccollections\nOrderedDict\n".utf8) + [
        0x5d, 0x5d, 0x28, 0x55, 1, 0x6b, 0x55, 1, 0xff, 0x65, 0x61, 0x85, 0x52,
      ]
    #expect(try contents(opcodes).value == .orderedDict([.init(key: .string("k"), value: .bytes([0xff]))]))
    // A key that Python could not hash.
    let list =
      Array("ccollections\nOrderedDict\n".utf8) + [
        0x5d, 0x5d, 0x28, 0x5d, 0x55, 1, 0xff, 0x65, 0x61, 0x85, 0x52,
      ]
    #expect(throws: PickleError.unhashableKey(found: "list", offset: 37)) { try contents(list) }
    // bytearray('a', 'latin-1')
    let bytes =
      Array("c__builtin__\nbytearray\n".utf8) + [0x55, 1, 0x61, 0x55, 7] + Array("latin-1".utf8) + [0x86, 0x52]
    #expect(try contents(bytes).value == .bytes([0x61]))
  }

  /// An object counts for more values than a list does, since it takes more room.
  @Test func countsObjectsAgainstTheLimit() {
    var limits = ReadingLimits()
    limits.pickleValues = 100
    // x = a.B; (x(7), x(7), …)
    let known = Array("ca\nB\n".utf8) + [0x71, 0, 0x30]
    func made(_ count: Int) -> [UInt8] {
      known + (0..<count).flatMap { _ in [UInt8](arrayLiteral: 0x68, 0, 0x29, 0x81, 0x30) } + [0x4e]
    }
    #expect(throws: Never.self) { try contents(made(8), limits: limits) }
    #expect(throws: PickleError.self) { try contents(made(10), limits: limits) }
  }

  @Test func countsWhatIsPutIntoObjectsAgainstTheLimit() {
    var limits = ReadingLimits()
    limits.pickleValues = 100
    // a.B(), and then BUILD of {} or APPEND of None, again and again: seven values each.
    for opcodes in [[UInt8](arrayLiteral: 0x7d, 0x62), [0x4e, 0x61]] {
      let made = Array("ca\nB\n".utf8) + [0x29, 0x81]
      let (few, many) = ((0..<10).flatMap { _ in opcodes }, (0..<14).flatMap { _ in opcodes })
      #expect(throws: Never.self) { try contents(made + few, limits: limits) }
      #expect(throws: PickleError.self) { try contents(made + many, limits: limits) }
    }
  }

  /// Twelve objects, each with ten references in a list to the one before, cost what they are and no more.
  @Test func objectsDoNotMultiply() throws {
    var opcodes = made("a", "B") + [0x71, 0]
    for layer in UInt8(1)...12 {
      opcodes += [0x30] + made("a", "B") + [0x71, layer, 0x28]
      for _ in 0..<10 { opcodes += [0x68, layer - 1] }
      opcodes.append(0x65)
    }
    let contents = try contents(opcodes)
    #expect(contents.objects.count == 13)
    var budget = 1000
    #expect(!contents.mayHoldStorage(contents.value, budget: &budget))
    #expect(budget > 0)
    // Lists within one object do, and are counted: six layers of ten each.
    var limits = ReadingLimits()
    limits.pickleExpansion = 1000
    var bomb = made("a", "B") + [0x5d, 0x71, 20, 0x30]
    for layer in UInt8(20)..<26 {
      bomb += [0x5d, 0x28]
      for _ in 0..<10 { bomb += [0x68, layer] }
      bomb += [0x65, 0x71, layer + 1, 0x30]
    }
    #expect(throws: PickleError.bomb(limit: 1000)) {
      try self.contents(bomb + [0x68, 26, 0x61], limits: limits)
    }
    #expect(throws: Never.self) { try self.contents(bomb + [0x68, 22, 0x61], limits: limits) }
  }
}
