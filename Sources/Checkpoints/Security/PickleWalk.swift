/// Walks a pickle's instructions without carrying them out, keeping only what decides which globals it names: strings,
/// globals and MARKs on a shadow of the stack, and the memo.
///
/// What Python would stop at (an empty stack, a memo entry never put) does not end the walk: it goes on as long as there
/// are instructions, so that nothing hides behind a mistake.
struct PickleWalk {
  /// As much of a value as matters.
  private enum Shadow {
    case string(String)
    /// The number of a global in `globals`.
    case global(Int)
    case mark
    case other
  }

  private let view: ByteView
  private let start: Int
  private let limits: ReadingLimits
  private var stack: [Shadow] = []
  private var memo: [Int: Shadow] = [:]
  private var counts = [Int](repeating: 0, count: 256)
  private var firsts = [Int](repeating: 0, count: 256)
  private var protocolVersion: Int?
  private(set) var globals: [PickleScan.Global] = []
  private var numbers: [String: Int] = [:]
  /// Where the instruction under way began.
  private var offset = 0
  /// Whether the limits were reached, so that the shadow may differ from the real stack and memo: from then on no
  /// computed name is believed.
  private var isLost = false

  private static let keptOffsets = 8

  private init(_ view: ByteView, from start: Int, _ limits: ReadingLimits) {
    self.view = view
    self.start = start
    self.limits = limits
  }

  /// Walks from `start` to STOP, or as far as there are instructions.
  ///
  /// - Parameters:
  ///   - instructions: After how many to give up.
  ///   - place: What the result calls the bytes.
  static func scan(
    _ view: ByteView, from start: Int = 0, instructions: Int = .max, place: String, limits: ReadingLimits
  ) -> PickleScan {
    var walk = PickleWalk(view, from: start, limits)
    let stop = walk.run(instructions)
    let opcodes = (0..<256).filter { walk.counts[$0] > 0 }.map { byte in
      PickleScan.Opcode(
        name: PickleInstruction.name(of: UInt8(byte)), count: walk.counts[byte],
        isAllowed: PickleOpcode(rawValue: UInt8(byte)) != nil, firstOffset: walk.firsts[byte])
    }
    return PickleScan(
      place: place, start: start, protocolVersion: walk.protocolVersion,
      opcodes: opcodes.sorted { ($1.count, $0.name) < ($0.count, $1.name) }, globals: walk.globals, stop: stop,
      isBeyondLimits: walk.isLost)
  }

  private mutating func run(_ instructions: Int) -> PickleScan.Stop {
    var next = start
    for _ in 0..<instructions {
      offset = next - start
      switch PickleInstruction.read(view, at: &next) {
      case .failure(let reason): return PickleScan.Stop(offset: offset, reason: reason)
      case .success(let instruction):
        let byte = Int(instruction.opcode)
        if counts[byte] == 0 { firsts[byte] = offset }
        counts[byte] += 1
        if instruction.opcode == PickleOpcode.stop.rawValue {
          return PickleScan.Stop(offset: next - start, reason: .stop)
        }
        follow(instruction)
      }
    }
    return PickleScan.Stop(offset: next - start, reason: .limit(instructions))
  }

  /// What an instruction does to the shadow stack and the memo.
  private mutating func follow(_ instruction: PickleInstruction) {
    switch instruction.opcode {
    case 0x80: if offset == 0 { protocolVersion = instruction.number }  // PROTO
    case 0x95, 0x98: break  // FRAME READONLY_BUFFER
    case 0x28: push(.mark)
    case 0x30: _ = stack.popLast()  // POP
    case 0x31: popToMark()  // POP_MARK
    case 0x32: push(stack.last ?? .other)  // DUP
    case 0x55, 0x54, 0x58, 0x8c, 0x8d, 0x56: push(instruction.text.map(Shadow.string) ?? .other)
    case 0x53: push(Self.unquoted(instruction.text))  // STRING
    case 0x71, 0x72, 0x70: remember(instruction.number)  // BINPUT LONG_BINPUT PUT
    case 0x94: remember(memo.count)  // MEMOIZE
    case 0x68, 0x6a, 0x67: push(instruction.number.flatMap { memo[$0] } ?? .other)  // BINGET LONG_BINGET GET
    case 0x63: push(named(lines(of: instruction)))  // GLOBAL
    case 0x93: pushStackGlobal()
    case 0x82, 0x83, 0x84:  // EXT1 EXT2 EXT4
      push(unresolved("entry \(instruction.number.map { "\($0)" } ?? "?") of the extension registry"))
    case 0x69:  // INST
      let global = named(lines(of: instruction))
      popToMark()
      called(global)
      push(.other)
    case 0x6f:  // OBJ
      called(popToMark())
      push(.other)
    case 0x52, 0x81: call(arguments: 1)  // REDUCE NEWOBJ
    case 0x92: call(arguments: 2)  // NEWOBJ_EX
    case 0x62, 0x61: pop(1)  // BUILD APPEND
    case 0x73: pop(2)  // SETITEM
    case 0x65, 0x75, 0x90: popToMark()  // APPENDS SETITEMS ADDITEMS
    case 0x6c, 0x74, 0x64, 0x91:  // LIST TUPLE DICT FROZENSET
      popToMark()
      push(.other)
    case 0x85, 0x86, 0x87:  // TUPLE1 TUPLE2 TUPLE3
      pop(Int(instruction.opcode) - 0x84)
      push(.other)
    case 0x51:  // BINPERSID
      pop(1)
      push(.other)
    default: push(.other)
    }
  }

  // MARK: the shadow stack

  private mutating func push(_ shadow: Shadow) {
    // As many values and as many MARKs as the machine takes.
    guard stack.count / 2 < limits.pickleStack else {
      isLost = true
      return
    }
    stack.append(shadow)
  }

  private mutating func pop(_ count: Int) { stack.removeLast(min(count, stack.count)) }

  /// Everything above the last MARK goes, and the MARK; what stood first above it comes back.
  @discardableResult private mutating func popToMark() -> Shadow {
    var first = Shadow.other
    while let top = stack.popLast() {
      if case .mark = top { break }
      first = top
    }
    return first
  }

  private mutating func remember(_ index: Int?) {
    guard let index, memo.count < limits.pickleMemo || memo[index] != nil else {
      isLost = true
      return
    }
    memo[index] = stack.last ?? .other
  }

  private mutating func call(arguments: Int) {
    pop(arguments)
    called(stack.popLast() ?? .other)
    push(.other)
  }

  private mutating func called(_ callee: Shadow) {
    if case .global(let number) = callee { globals[number].calls += 1 }
  }

  // MARK: globals

  private mutating func pushStackGlobal() {
    let name = stack.popLast() ?? .other
    let module = stack.popLast() ?? .other
    if case .string(let name) = name, case .string(let module) = module, !isLost {
      push(noted("\(module).\(name)", Self.verdict(module: module, name: name)))
    } else {
      func known(_ part: Shadow) -> String { if case .string(let text) = part { text } else { "?" } }
      push(unresolved("\(known(module)).\(known(name)), which the pickle computes"))
    }
  }

  private mutating func named(_ lines: [String?]) -> Shadow {
    guard lines.count == 2, let module = lines[0], let name = lines[1] else {
      return unresolved("a name that is no UTF-8")
    }
    return noted("\(module).\(name)", Self.verdict(module: module, name: name))
  }

  private func lines(of instruction: PickleInstruction) -> [String?] {
    instruction.argument.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false).map {
      String(validating: $0, as: UTF8.self)
    }
  }

  private mutating func unresolved(_ description: String) -> Shadow { noted(description, .forbidden) }

  private mutating func noted(_ name: String, _ verdict: PickleScan.Verdict) -> Shadow {
    let number = numbers[name] ?? globals.count
    if number == globals.count {
      guard globals.count < limits.pickleMemo else {
        isLost = true
        return .other
      }
      numbers[name] = number
      globals.append(PickleScan.Global(name: name, verdict: verdict, count: 0, calls: 0, offsets: []))
    }
    globals[number].count += 1
    if globals[number].offsets.count < Self.keptOffsets { globals[number].offsets.append(offset) }
    return .global(number)
  }

  private static func verdict(module: String, name: String) -> PickleScan.Verdict {
    do {
      return try PickleGlobal.named(module: module, name: name) == nil ? .forbidden : .allowed
    } catch {
      return .unsupported
    }
  }

  /// The text within the quotes of protocol 0. With an escape in it the name is none of the allow-list's either way.
  private static func unquoted(_ text: String?) -> Shadow {
    guard let text, let quote = text.first, quote == "'" || quote == "\"", text.count > 1, text.last == quote
    else { return .other }
    return .string(String(text.dropFirst().dropLast()))
  }
}
