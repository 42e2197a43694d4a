/// One instruction of a pickle as it stands in the bytes, of any protocol: its opcode and what its argument says.
/// Source: CPython Lib/pickletools.py.
struct PickleInstruction {
  /// How an opcode's argument is laid out.
  private enum Layout {
    /// So many bytes.
    case bytes(Int)
    /// A length of so many bytes, and as many bytes as it says.
    case run(lengthBytes: Int)
    /// Lines of text.
    case lines(Int)
  }

  let opcode: UInt8
  /// The bytes of the argument, without a length before them; of lines without the last line feed.
  let argument: UnsafeRawBufferPointer

  /// Reads the instruction at `offset` and moves behind it, or says why there is none.
  static func read(_ view: ByteView, at offset: inout Int) -> Result<PickleInstruction, PickleScan.Stop.Reason>
  {
    guard let opcode: UInt8 = view.integer(at: offset) else { return .failure(.end) }
    guard let layout = layout(of: opcode) else { return .failure(.unknownOpcode(opcode)) }
    let start = offset + 1
    switch layout {
    case .bytes(let count):
      guard let argument = view.slice(at: start, count: count) else { return .failure(.cut(name(of: opcode))) }
      offset = start + count
      return .success(PickleInstruction(opcode: opcode, argument: argument))
    case .run(let lengthBytes):
      guard let length = view.slice(at: start, count: lengthBytes) else {
        return .failure(.cut(name(of: opcode)))
      }
      let declared = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard let count = Int(exactly: declared), let argument = view.slice(at: start + lengthBytes, count: count)
      else { return .failure(.cut(name(of: opcode))) }
      offset = start + lengthBytes + count
      return .success(PickleInstruction(opcode: opcode, argument: argument))
    case .lines(let count):
      var end = start
      for line in 0..<count {
        guard let feed = view.bytes[end...].firstIndex(of: 0x0a) else {
          return .failure(.cut(name(of: opcode)))
        }
        end = line == count - 1 ? feed : feed + 1
      }
      offset = end + 1
      let argument = UnsafeRawBufferPointer(rebasing: view.bytes[start..<end])
      return .success(PickleInstruction(opcode: opcode, argument: argument))
    }
  }

  /// The argument as text, or nil where it is no UTF-8.
  var text: String? { String(validating: argument, as: UTF8.self) }

  /// The argument as a number: little-endian bytes, or decimal digits of the opcodes that have lines.
  var number: Int? {
    switch Self.layout(of: opcode) {
    case .bytes: Int(exactly: argument.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    default: text.flatMap { Int($0) }
    }
  }

  /// Python's name for an opcode, or its number.
  static func name(of opcode: UInt8) -> String {
    PickleOpcode(rawValue: opcode)?.name ?? PickleOpcode.refused[opcode] ?? "byte \(opcode)"
  }

  private static func layout(of opcode: UInt8) -> Layout? {
    switch opcode {
    case 0x4b, 0x71, 0x68, 0x80, 0x82: .bytes(1)  // BININT1 BINPUT BINGET PROTO EXT1
    case 0x4d, 0x83: .bytes(2)  // BININT2 EXT2
    case 0x4a, 0x72, 0x6a, 0x84: .bytes(4)  // BININT LONG_BINPUT LONG_BINGET EXT4
    case 0x47, 0x95: .bytes(8)  // BINFLOAT FRAME
    case 0x55, 0x8c, 0x43, 0x8a: .run(lengthBytes: 1)  // SHORT_BINSTRING SHORT_BINUNICODE SHORT_BINBYTES LONG1
    case 0x54, 0x58, 0x42, 0x8b: .run(lengthBytes: 4)  // BINSTRING BINUNICODE BINBYTES LONG4
    case 0x8d, 0x8e, 0x96: .run(lengthBytes: 8)  // BINUNICODE8 BINBYTES8 BYTEARRAY8
    case 0x46, 0x49, 0x4c, 0x50: .lines(1)  // FLOAT INT LONG PERSID
    case 0x53, 0x56, 0x67, 0x70: .lines(1)  // STRING UNICODE GET PUT
    case 0x63, 0x69: .lines(2)  // GLOBAL INST
    default: PickleOpcode(rawValue: opcode) != nil || PickleOpcode.refused[opcode] != nil ? .bytes(0) : nil
    }
  }
}
