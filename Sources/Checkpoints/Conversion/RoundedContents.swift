import Tensors

extension Checkpoint {
  /// The same checkpoint with large tensors rounded to `precision` and the other floating-point ones in float32;
  /// tensors are rounded when they are read. See `Precision` for what is large.
  ///
  /// Reading a tensor in which a finite number would become infinite throws `CheckpointError.overflow`.
  public func rounded(to precision: Precision) -> Checkpoint {
    Checkpoint(
      path: path, format: format,
      contents: RoundedContents(path: path, stored: contents, precision: precision), file: file, digest: digest,
      selection: selection)
  }
}

/// Another checkpoint's tensors, rounded one at a time.
private struct RoundedContents: TensorContents {
  let entries: [Checkpoint.Entry]
  private let path: String
  private let stored: any TensorContents

  init(path: String, stored: any TensorContents, precision: Precision) {
    self.path = path
    self.stored = stored
    entries = stored.entries.map { entry in
      let type = precision.elementType(of: entry.elementType, entry.shape)
      guard type != entry.elementType else { return entry }
      return Checkpoint.Entry(
        name: entry.name, elementType: type, shape: entry.shape, byteCount: entry.shape.count * type.byteCount,
        isContiguous: true)
    }
  }

  var metadata: [String: String] { stored.metadata }
  var directoryDigest: String? { stored.directoryDigest }

  func place(at index: Int) -> Range<Int>? {
    entries[index].elementType == stored.entries[index].elementType ? stored.place(at: index) : nil
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let (old, new) = (stored.entries[index], entries[index])
    let bytes = try stored.bytes(at: index)
    guard old.elementType != new.elementType else { return bytes }
    let block = ByteBlock(count: new.byteCount)
    let overflow: Overflow? = bytes.withBytes { source in
      switch old.elementType {
      case .float16: round(source, to: block, new.elementType, exactly: float(half:))
      case .bfloat16: round(source, to: block, new.elementType, exactly: BFloat16.float)
      case .float64: round(source, to: block, new.elementType)
      default: round(source, to: block, new.elementType) { Float(bitPattern: $0 as UInt32) }
      }
    }
    if let overflow {
      throw .overflow(
        path: path, name: new.name, index: new.shape.index(of: overflow.first), value: overflow.value,
        count: overflow.count, type: new.elementType)
    }
    return TensorBytes(block)
  }

  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {
    try stored.confirm(checksum, at: index)
  }
  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) { try stored.verifyPlaces(isCancelled) }
  func verify() throws(CheckpointError) { try stored.verify() }
  func verifyUnread() throws(CheckpointError) { try stored.verifyUnread() }
}

/// Finite numbers that became infinite.
private struct Overflow {
  /// The row-major number of the first.
  let first: Int
  let value: Double
  let count: Int
}

/// Rounds numbers that Float holds exactly.
private func round<Stored: FixedWidthInteger>(
  _ source: UnsafeRawBufferPointer, to block: ByteBlock, _ type: ElementType, exactly: (Stored) -> Float
) -> Overflow? {
  switch type {
  case .float16:
    write(source, to: block, { Rounding.float16(exactly($0)) }, isInfinite: { $0 & 0x7fff == 0x7c00 }) {
      Double(exactly($0))
    }
  case .bfloat16:
    write(source, to: block, { BFloat16.bits(rounding: exactly($0)) }, isInfinite: { $0 & 0x7fff == 0x7f80 }) {
      Double(exactly($0))
    }
  default:
    write(source, to: block, { exactly($0).bitPattern }, isInfinite: { _ in false }) { Double(exactly($0)) }
  }
}

/// Rounds Doubles, once.
private func round(
  _ source: UnsafeRawBufferPointer, to block: ByteBlock, _ type: ElementType
) -> Overflow? {
  let value = { (bits: UInt64) in Double(bitPattern: bits) }
  return switch type {
  case .float16:
    write(
      source, to: block, { Rounding.float16(Rounding.odd(value($0))) }, isInfinite: { $0 & 0x7fff == 0x7c00 },
      value)
  case .bfloat16:
    write(
      source, to: block, { BFloat16.bits(rounding: Rounding.odd(value($0))) },
      isInfinite: { $0 & 0x7fff == 0x7f80 },
      value)
  default:
    write(
      source, to: block, { Float(value($0)).bitPattern }, isInfinite: { $0 & 0x7fff_ffff == 0x7f80_0000 }, value
    )
  }
}

/// Writes every element's rounded bits; what is infinite afterwards and was finite before overflowed.
private func write<Stored: FixedWidthInteger, Rounded: FixedWidthInteger>(
  _ source: UnsafeRawBufferPointer, to block: ByteBlock, _ round: (Stored) -> Rounded,
  isInfinite: (Rounded) -> Bool, _ value: (Stored) -> Double
) -> Overflow? {
  let count = source.count / MemoryLayout<Stored>.size
  var infinite = 0
  for index in 0..<count {
    let stored = Stored(
      littleEndian: source.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
    let bits = round(stored)
    if isInfinite(bits) { infinite += 1 }
    block.bytes.storeBytes(
      of: bits.littleEndian, toByteOffset: index * MemoryLayout<Rounded>.size, as: Rounded.self)
  }
  guard infinite > 0 else { return nil }
  var (first, overflowed): ((index: Int, value: Double)?, Int) = (nil, 0)
  for index in 0..<count {
    let stored = Stored(
      littleEndian: source.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
    guard value(stored).isFinite, isInfinite(round(stored)) else { continue }
    if first == nil { first = (index, value(stored)) }
    overflowed += 1
  }
  return first.map { Overflow(first: $0.index, value: $0.value, count: overflowed) }
}

extension Shape {
  /// The place of the element that is row-major `number`.
  fileprivate func index(of number: Int) -> [Int] {
    zip(extents, strides).map { extent, stride in number / stride % extent }
  }
}
