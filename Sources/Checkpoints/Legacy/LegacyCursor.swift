import Tensors

/// A place in a file that has pickles and numbers one behind the other: never beyond the end, and no pickle longer than
/// allowed.
struct LegacyCursor {
  private let view: ByteView
  private let limits: ReadingLimits
  /// Bytes of the file before the view, which is a member of it.
  private let base: Int
  private var next = 0
  /// How many pickles were read.
  private var count = 0

  init(_ view: ByteView, base: Int = 0, limits: ReadingLimits) {
    self.view = view
    self.base = base
    self.limits = limits
  }

  /// Where in the file it stands.
  var offset: Int { base + next }
  /// Bytes that follow.
  var remaining: Int { view.count - next }

  /// The bytes of the pickle that begins here, up to its STOP.
  mutating func pickle(_ part: String) throws(TorchError) -> [UInt8] {
    let start = next
    let allowed = ByteView(
      bytes: UnsafeRawBufferPointer(
        rebasing: view.bytes.prefix(min(view.count - start, limits.pickleBytes) + start)))
    var end = start
    while true {
      switch PickleInstruction.read(allowed, at: &end) {
      case .success(let instruction):
        guard instruction.opcode == PickleOpcode.stop.rawValue else { continue }
        defer { next = end }
        return Array(view.bytes[start..<end])
      case .failure(.unknownOpcode(let byte)):
        throw .legacyPickle(part: part, .unknownOpcode(byte, offset: end - start))
      case .failure:
        guard allowed.count == view.count else {
          throw .legacyPickle(part: part, .tooLong(byteCount: view.count - start, limit: limits.pickleBytes))
        }
        throw .cutShort(part: part, fileLength: base + view.count)
      }
    }
  }

  /// The value of the pickle that begins here.
  mutating func value(_ part: String, foreign: ForeignObject.Rule = .refused) throws(TorchError) -> PickleValue
  {
    try contents(part, foreign: foreign).value
  }

  /// What the pickle that begins here holds.
  mutating func contents(
    _ part: String, foreign: ForeignObject.Rule, persistent: PickleMachine.PersistentIDs = .archive
  ) throws(TorchError) -> PickleContents {
    let bytes = try pickle(part)
    do {
      return try PickleMachine.contents(of: bytes, limits: limits, foreign: foreign, persistent: persistent)
    } catch {
      throw .legacyPickle(part: part, error)
    }
  }

  /// A little-endian number.
  mutating func integer<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self, _ part: String
  ) throws(TorchError) -> Number {
    guard let number: Number = view.integer(at: next) else {
      throw .cutShort(part: part, fileLength: base + view.count)
    }
    next += MemoryLayout<Number>.size
    return number
  }

  /// Passes over a storage's elements, whose number comes first and has to be `storage.count`.
  ///
  /// - Returns: Where in the file they begin.
  mutating func skip(_ storage: TorchStorage) throws(TorchError) -> Int {
    let part = "storage \(storage.key)"
    let found = try integer(Int64.self, part)
    guard found == storage.count, let byteCount = storage.byteCount else {
      throw .legacy(part: part, expected: "\(storage.count) elements", found: "\(found)")
    }
    guard view.slice(at: next, count: byteCount) != nil else {
      throw .cutShort(part: "the \(byteCount) bytes of \(part)", fileLength: base + view.count)
    }
    defer { next += byteCount }
    return offset
  }
}
