/// A pickle of protocol 2 being written, opcode by opcode, with Python's choice among equivalent ones: the same
/// values in the same order give the bytes that Python's own pickler gives.
/// Source: CPython Modules/_pickle.c, save_long, save_unicode, save_tuple, save_global, memo_put.
struct PickleWriter {
  private(set) var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
  /// How many values have been noted for use by number.
  private var noted: UInt32 = 0
  private var constants: [String: UInt32] = [:]
  private var globals: [String: UInt32] = [:]

  /// An opcode alone.
  mutating func add(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

  /// Notes the value just made, as Python does with everything that could be met again.
  mutating func note() {
    if noted < 256 {
      add(.binPut)
      bytes.append(UInt8(noted))
    } else {
      add(.longBinPut)
      append(noted)
    }
    noted += 1
  }

  /// Text that stands in the program that pickles: one object, so the second time a reference to the first.
  mutating func add(constant text: String) {
    if let number = constants[text] { return add(notedAs: number) }
    constants[text] = noted
    add(text)
  }

  /// Text that is an object of its own, even if an equal one was met.
  mutating func add(_ text: String) {
    add(.binUnicode)
    append(UInt32(text.utf8.count))
    bytes += text.utf8
    note()
  }

  /// A class or function by name; the second time a reference to the first.
  mutating func add(global module: String, _ name: String) {
    let key = "\(module).\(name)"
    if let number = globals[key] { return add(notedAs: number) }
    globals[key] = noted
    add(.global)
    bytes += Array("\(module)\n\(name)\n".utf8)
    note()
  }

  /// A whole number that is not negative.
  mutating func add(_ number: Int) {
    if let small = UInt8(exactly: number) {
      add(.binInt1)
      append(small)
    } else if let small = UInt16(exactly: number) {
      add(.binInt2)
      append(small)
    } else if let small = Int32(exactly: number) {
      add(.binInt)
      append(small)
    } else {
      // As few bytes as hold the number and its sign.
      let count = (Int.bitWidth - number.leadingZeroBitCount) / 8 + 1
      add(.long1)
      append(UInt8(count))
      bytes += withUnsafeBytes(of: number.littleEndian) { Array($0.prefix(count)) }
    }
  }

  /// A tuple of whole numbers.
  mutating func add(_ numbers: [Int]) {
    guard !numbers.isEmpty else { return add(.emptyTuple) }
    let short: [PickleOpcode] = [.tuple1, .tuple2, .tuple3]
    if numbers.count > short.count { add(.mark) }
    for number in numbers { add(number) }
    add(numbers.count > short.count ? .tuple : short[numbers.count - 1])
    note()
  }

  private mutating func add(notedAs number: UInt32) {
    if let short = UInt8(exactly: number) {
      add(.binGet)
      append(short)
    } else {
      add(.longBinGet)
      append(number)
    }
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }
}
