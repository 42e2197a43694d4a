import Testing

@testable import Checkpoints

@Suite struct PickleMachineTests {
  /// A value between PROTO 2 and STOP.
  private func read(_ opcodes: [UInt8], limits: ReadingLimits = ReadingLimits()) throws(PickleError)
    -> PickleValue
  {
    try PickleMachine.read([0x80, 2] + opcodes + [0x2e], limits: limits)
  }

  static let refusals: [(String, PickleError)] = [
    ("01_os_system", .forbiddenGlobal(module: "os", name: "system", offset: 15)),
    ("01_builtins_eval", .forbiddenGlobal(module: "builtins", name: "eval", offset: 15)),
    ("01_torch_hub", .forbiddenGlobal(module: "torch.hub", name: "load", offset: 15)),
    ("01_stack_global", .forbiddenGlobal(module: "posix", name: "system", offset: 36)),
    ("02_reduce", .cannotCall(found: "the string 'print'", offset: 26)),
    ("02_reduce_arguments", .cannotCall(found: "collections.OrderedDict with a list", offset: 41)),
    (
      "02_rebuild_arguments",
      .arguments(
        of: "torch._utils._rebuild_tensor_v2", expected: "a storage, an offset, a size, strides",
        found: "the string 'x'", offset: 56)
    ),
    ("02_newobj", .cannotCreate(found: "a torch storage class of float32, a tuple", offset: 36)),
    ("02_build", .cannotBuild(found: "a list", offset: 17)),
    ("03_setitem", .wrongContainer(opcode: "SETITEM", expected: "dict", found: "a list", offset: 10)),
    ("03_setitems", .wrongContainer(opcode: "SETITEMS", expected: "dict", found: "a list", offset: 11)),
    ("04_opcode", .unknownOpcode(0xff, offset: 2)),
    ("04_inst", .refusedOpcode("INST", offset: 3)),
    ("04_protocol_6", .unsupportedProtocol(found: 6)),
    ("04_protocol_1", .unsupportedProtocol(found: 1)),
    ("04_no_protocol", .noProtocol(found: 0x7d)),
    ("05_no_stop", .noStop(offset: 145)),
    ("05_in_argument", .truncated(opcode: "BININT", offset: 3)),
    ("06_long_string", .lengthBeyondEnd(opcode: "BINUNICODE", declared: 0xffff_ffff, remaining: 4, offset: 2)),
    ("06_long_bytes", .lengthBeyondEnd(opcode: "BINBYTES8", declared: 1 << 63, remaining: 4, offset: 2)),
    ("06_long_integer", .lengthBeyondEnd(opcode: "LONG4", declared: 0x7fff_ffff, remaining: 4, offset: 2)),
    ("07_stack", .stackUnderflow(opcode: "REDUCE", offset: 2)),
    ("07_no_mark", .noMark(opcode: "TUPLE", offset: 2)),
    ("07_below_mark", .stackUnderflow(opcode: "SETITEM", offset: 4)),
    ("07_memo", .memoMissing(index: 5, offset: 2)),
    ("08_cycle", .cycle),
    ("08_memo_bomb", .bomb(limit: 1 << 24)),
    ("08_deep", .tooDeep(limit: 100)),
    ("09_pickle_trailing", .trailingData(byteCount: 11)),
    ("09_two_values", .leftOnStack(count: 2)),
    ("20_tag", .persistentID(expected: "'storage'", found: "the string 'module'", offset: 99)),
    ("20_no_tuple", .persistentID(expected: "five parts", found: "the string '0'", offset: 21)),
    ("20_key", .storageKey("../0", offset: 103)),
    ("21_quantized", .unsupportedElementType("torch.QInt8Storage")),
    ("duplicate_key", .duplicateKey("'weight'")),
    ("odd_items", .oddItems(opcode: "SETITEMS", offset: 7)),
    ("unhashable", .unhashableKey(found: "list", offset: 5)),
    (
      "metadata_conj",
      .arguments(of: "torch._utils._rebuild_tensor_v2", expected: "no metadata", found: "a dict", offset: 155)
    ),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: PickleError) {
    let name = "hostile/\(file).pt"
    #expect(Fixtures.refusal(of: name) == .pickle(path: Fixtures.path(name), expected))
  }

  @Test func readsIntegersOfEveryWidth() throws {
    // BININT -2, BININT1 200, BININT2 0x0102, LONG1 of 0, 1 and 8 bytes.
    let opcodes: [UInt8] =
      [0x28, 0x4a, 0xfe, 0xff, 0xff, 0xff, 0x4b, 200, 0x4d, 2, 1, 0x8a, 0, 0x8a, 1, 0x80]
      + [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x74]
    #expect(try read(opcodes) == .tuple([-2, 200, 258, 0, -128, Int.min].map(PickleValue.int)))
  }

  @Test func keepsIntegersBeyondTheMachinesWord() throws {
    // 2^70, as pickle.dumps(2**70, 2) has it.
    let opcodes: [UInt8] = [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x40]
    #expect(try read(opcodes) == .largeInt([0, 0, 0, 0, 0, 0, 0, 0, 0x40]))
  }

  @Test func readsFloatsBigEndian() throws {
    // struct.pack('>d', 1.5)
    #expect(try read([0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]) == .float(1.5))
  }

  @Test func sharesContainersFilledAfterTheyWereRemembered() throws {
    // x = []; (x, x) with 7 appended to x afterwards.
    let opcodes: [UInt8] = [0x5d, 0x71, 0, 0x68, 0, 0x86, 0x68, 0, 0x4b, 7, 0x61, 0x30]
    #expect(try read(opcodes) == .tuple([.list([.int(7)]), .list([.int(7)])]))
  }

  @Test func popTakesAnOpenMark() throws {
    #expect(try read([0x4e, 0x28, 0x30]) == .none)
  }

  @Test func refusesInvalidUTF8() {
    #expect(throws: PickleError.invalidText(opcode: "SHORT_BINUNICODE", offset: 2)) {
      try read([0x8c, 1, 0xff])
    }
  }

  @Test func refusesALoneMark() {
    #expect(throws: PickleError.leftOnStack(count: 3)) { try read([0x4e, 0x28, 0x4e]) }
  }

  @Test func refusesStateThatIsNoDictionary() {
    // OrderedDict() with BUILD of None.
    let opcodes = Array("ccollections\nOrderedDict\n)RNb".utf8)
    #expect(throws: PickleError.cannotBuild(found: "state that is None", offset: 30)) { try read(opcodes) }
  }

  @Test func countsCopiesAgainstTheLimit() {
    var limits = ReadingLimits()
    limits.pickleValues = 100
    // x = [None] * 8, then set(x) again and again: each copy counts.
    var opcodes: [UInt8] = [0x5d, 0x71, 0, 0x28] + [UInt8](repeating: 0x4e, count: 8) + [0x65]
    for _ in 0..<20 { opcodes += Array("cbuiltins\nset\n".utf8) + [0x68, 0, 0x85, 0x52, 0x30] }
    #expect(throws: PickleError.self) { try read(opcodes, limits: limits) }
    limits.pickleValues = 1000
    #expect(throws: Never.self) { try read(opcodes, limits: limits) }
  }

  @Test func holdsItsLimits() {
    var limits = ReadingLimits()
    limits.pickleStack = 2
    #expect(throws: PickleError.limit(of: "values on the stack", limit: 2, offset: 4)) {
      try read([0x4e, 0x4e, 0x4e], limits: limits)
    }
    #expect(throws: PickleError.limit(of: "open MARKs", limit: 2, offset: 4)) {
      try read([0x28, 0x28, 0x28], limits: limits)
    }
    limits = ReadingLimits()
    limits.pickleMemo = 1
    #expect(throws: PickleError.limit(of: "memo entries", limit: 1, offset: 4)) {
      try read([0x4e, 0x94, 0x94], limits: limits)
    }
    limits = ReadingLimits()
    limits.pickleValues = 2
    #expect(throws: PickleError.limit(of: "pickled values", limit: 2, offset: 6)) {
      try read([0x4e, 0x30, 0x4e, 0x30, 0x4e], limits: limits)
    }
    limits = ReadingLimits()
    limits.pickleBytes = 3
    #expect(throws: PickleError.tooLong(byteCount: 4, limit: 3)) { try read([0x4e], limits: limits) }
  }

  /// Every byte of a genuine pickle replaced by every other: it may be refused, or read, but never trap.
  @Test func survivesEveryOneByteChange() {
    // pickle.dumps([{'a': (1, 2.5, None)}, {1}, b'xy', [True]], 4), with a global before it.
    let genuine: [UInt8] =
      [0x80, 4, 0x5d, 0x94, 0x28, 0x7d, 0x94, 0x8c, 1, 0x61, 0x94, 0x4b, 1, 0x47, 0x40, 4, 0, 0, 0, 0, 0, 0]
      + [0x4e, 0x87, 0x94, 0x73, 0x8f, 0x94, 0x28, 0x4b, 1, 0x90, 0x43, 2, 0x78, 0x79, 0x94, 0x5d, 0x94]
      + [0x88, 0x61, 0x65, 0x2e]
    #expect((try? PickleMachine.read(genuine, limits: ReadingLimits())) != nil)
    var refused = 0
    for index in genuine.indices {
      for byte in UInt8.min ... .max {
        var changed = genuine
        changed[index] = byte
        if (try? PickleMachine.read(changed, limits: ReadingLimits())) == nil { refused += 1 }
      }
    }
    #expect(refused > 0)
  }
}
