import Tensors

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The bytes of one stored tensor, row-major: a part of a mapped file, or memory of its own where they had to
/// be gathered, inflated or read.
public struct TensorBytes: Sendable {
  private let owner: any AnyObject & Sendable
  private nonisolated(unsafe) let memory: UnsafeRawBufferPointer

  /// A part of memory that `owner` keeps alive.
  package init(_ memory: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    self.memory = memory
    self.owner = owner
  }

  /// Memory of its own, whole.
  init(_ block: ByteBlock) { self.init(UnsafeRawBufferPointer(block.bytes), owner: block) }

  /// Memory of its own of so many bytes, which `fill` fills.
  package init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let block = ByteBlock(count: count)
    try fill(block.bytes)
    self.init(block)
  }

  /// How many bytes.
  public var count: Int { memory.count }

  /// Calls `body` with the bytes, which stay valid until it returns.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(memory)
  }

  /// Whether both are the same bytes.
  func isEqual(to other: TensorBytes) -> Bool {
    withBytes { first in
      other.withBytes { second in
        guard first.count == second.count, let a = first.baseAddress, let b = second.baseAddress else {
          return first.count == second.count
        }
        return memcmp(a, b, first.count) == 0
      }
    }
  }

  /// A part of the bytes. Shares memory.
  package func part(at offset: Int, count: Int) -> TensorBytes {
    TensorBytes(UnsafeRawBufferPointer(rebasing: memory[offset..<offset + count]), owner: owner)
  }

  /// A tensor's elements. Shares memory.
  init(_ tensor: Tensor) {
    let owner = TensorOwner(tensor: tensor)
    self = tensor.withBytes { TensorBytes($0, owner: owner) }
  }

  /// The memory and what keeps it alive, for a tensor that goes on borrowing it.
  fileprivate var borrowed: (memory: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    (memory, owner)
  }
}

/// Keeps a tensor's memory alive.
private final class TensorOwner: Sendable {
  let tensor: Tensor

  init(tensor: Tensor) { self.tensor = tensor }
}

extension Tensor {
  /// Stored bytes as a tensor of their type: a view of them where they are aligned to their elements, else a copy.
  init(_ stored: TensorBytes, _ type: ElementType, _ shape: Shape) {
    let (memory, owner) = stored.borrowed
    if let base = memory.baseAddress, UInt(bitPattern: base).isMultiple(of: UInt(min(8, type.byteCount))) {
      self.init(borrowing: base, shape, of: type, owner: owner)
    } else {
      self = stored.withBytes { Tensor(shape, of: type, copying: $0) }
    }
  }
}

/// Private memory, aligned to 64 bytes, uninitialised when made.
final class ByteBlock: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) { bytes = .allocate(byteCount: count, alignment: 64) }

  deinit { bytes.deallocate() }
}

/// Little-endian numbers at checked offsets of a run of bytes that somebody else keeps alive.
struct ByteView {
  let bytes: UnsafeRawBufferPointer

  var count: Int { bytes.count }

  /// The number at `offset`, or nil where it would not fit.
  func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self, at offset: Int) -> Number? {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return nil }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  /// The bytes of a range, or nil where it leaves the file.
  func slice(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// Whether `text` stands at `offset`.
  func has(_ text: String, at offset: Int) -> Bool {
    guard let slice = slice(at: offset, count: text.utf8.count) else { return false }
    return slice.elementsEqual(text.utf8)
  }
}
