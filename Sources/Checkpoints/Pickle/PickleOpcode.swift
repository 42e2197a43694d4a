/// The opcodes of pickle protocols 2 to 5 that data needs. What Python 1 and protocol 0 wrote, and what calls
/// or refers outside the file, is known by name only, to be refused by name.
/// Source: CPython Lib/pickletools.py.
enum PickleOpcode: UInt8 {
  case mark = 0x28  // (
  case stop = 0x2e  // .
  case pop = 0x30  // 0
  case popMark = 0x31  // 1
  case dup = 0x32  // 2
  case none = 0x4e  // N
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4a  // J
  case binInt1 = 0x4b  // K
  case binInt2 = 0x4d  // M
  case long1 = 0x8a
  case long4 = 0x8b
  case binFloat = 0x47  // G
  case binString = 0x54  // T
  case shortBinString = 0x55  // U
  case binUnicode = 0x58  // X
  case shortBinUnicode = 0x8c
  case binUnicode8 = 0x8d
  case binBytes = 0x42  // B
  case shortBinBytes = 0x43  // C
  case binBytes8 = 0x8e
  case byteArray8 = 0x96
  case emptyList = 0x5d  // ]
  case append = 0x61  // a
  case appends = 0x65  // e
  case list = 0x6c  // l
  case emptyTuple = 0x29  // )
  case tuple = 0x74  // t
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyDict = 0x7d  // }
  case dict = 0x64  // d
  case setItem = 0x73  // s
  case setItems = 0x75  // u
  case emptySet = 0x8f
  case addItems = 0x90
  case frozenSet = 0x91
  case global = 0x63  // c
  case stackGlobal = 0x93
  case reduce = 0x52  // R
  case newObject = 0x81
  case newObjectEx = 0x92
  case build = 0x62  // b
  case binPut = 0x71  // q
  case longBinPut = 0x72  // r
  case memoize = 0x94
  case binGet = 0x68  // h
  case longBinGet = 0x6a  // j
  case binPersistentID = 0x51  // Q
  case proto = 0x80
  case frame = 0x95

  /// Python's name for it.
  var name: String {
    switch self {
    case .binInt1: "BININT1"
    case .newObject: "NEWOBJ"
    case .newObjectEx: "NEWOBJ_EX"
    case .shortBinString: "SHORT_BINSTRING"
    case .shortBinUnicode: "SHORT_BINUNICODE"
    case .shortBinBytes: "SHORT_BINBYTES"
    case .stackGlobal: "STACK_GLOBAL"
    case .emptyList: "EMPTY_LIST"
    case .emptyTuple: "EMPTY_TUPLE"
    case .emptyDict: "EMPTY_DICT"
    case .emptySet: "EMPTY_SET"
    case .popMark: "POP_MARK"
    case .longBinPut: "LONG_BINPUT"
    case .longBinGet: "LONG_BINGET"
    case .binPersistentID: "BINPERSID"
    default: "\(self)".uppercased()
    }
  }

  /// Opcodes that exist but have no place in a checkpoint.
  static let refused: [UInt8: String] = [
    0x46: "FLOAT", 0x49: "INT", 0x4c: "LONG", 0x50: "PERSID", 0x53: "STRING", 0x56: "UNICODE", 0x67: "GET",
    0x69: "INST", 0x6f: "OBJ", 0x70: "PUT", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER",
    0x98: "READONLY_BUFFER",
  ]
}

/// A place in a pickle: reads arguments and never beyond the end.
struct PickleCursor {
  private let bytes: [UInt8]
  /// Bytes read so far.
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  mutating func byte() -> UInt8? {
    guard offset < bytes.count else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// A little-endian number, the argument of `opcode`.
  mutating func integer<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self, of opcode: PickleOpcode
  ) throws(PickleError) -> Number {
    let size = MemoryLayout<Number>.size
    guard remaining >= size else { throw .truncated(opcode: opcode.name, offset: offset) }
    defer { offset += size }
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// A run of bytes whose length, of type `Length`, comes first.
  mutating func run<Length: FixedWidthInteger & UnsignedInteger>(
    _ type: Length.Type, of opcode: PickleOpcode
  ) throws(PickleError) -> ArraySlice<UInt8> {
    let start = offset - 1
    let declared = UInt64(try integer(Length.self, of: opcode))
    guard declared <= UInt64(remaining) else {
      throw .lengthBeyondEnd(opcode: opcode.name, declared: declared, remaining: remaining, offset: start)
    }
    defer { offset += Int(declared) }
    return bytes[offset..<offset + Int(declared)]
  }

  /// UTF-8 text whose length comes first.
  mutating func text<Length: FixedWidthInteger & UnsignedInteger>(
    _ type: Length.Type, of opcode: PickleOpcode
  ) throws(PickleError) -> String {
    let start = offset - 1
    guard let text = String(validating: try run(type, of: opcode), as: UTF8.self) else {
      throw .invalidText(opcode: opcode.name, offset: start)
    }
    return text
  }

  /// Text up to the next line feed.
  mutating func line(of opcode: PickleOpcode) throws(PickleError) -> String {
    guard let end = bytes[offset...].firstIndex(of: 0x0a) else {
      throw .truncated(opcode: opcode.name, offset: offset)
    }
    defer { offset = end + 1 }
    guard let text = String(validating: bytes[offset..<end], as: UTF8.self) else {
      throw .invalidText(opcode: opcode.name, offset: offset)
    }
    return text
  }
}
