internal import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Memory for Float32 elements, counted by reference: either its own, aligned to 64 bytes and returned to a
/// pool when the last tensor lets go, or somebody else's that must not be written.
final class TensorStorage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int
  /// What keeps borrowed memory alive; nil for memory of our own.
  private let owner: (any AnyObject & Sendable)?

  var isReadOnly: Bool { owner != nil }

  /// Uninitialised memory from the pool.
  init(count: Int) {
    base = StoragePool.take(count: count)
    self.count = count
    owner = nil
  }

  /// Read-only memory that `owner` keeps alive.
  init(borrowing memory: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable) {
    base = UnsafeMutablePointer(mutating: memory)
    self.count = count
    self.owner = owner
  }

  deinit {
    if owner == nil { StoragePool.give(base, count: count) }
  }
}

/// Recycled tensor memory. Fresh pages cost a fault each, which on activations of 100 MB is as slow as the
/// arithmetic, so blocks of the same size go round.
enum StoragePool {
  /// Blocks at least this large are kept; malloc is quick below.
  private static let smallestKept = 1 << 16
  /// Linux' large pages on x86-64: one fault and one translation for what takes 512 otherwise.
  private static let hugePage = 1 << 21
  /// No more than this many idle bytes are held back from the system.
  private static let capacity = 1 << 30

  private struct Idle: @unchecked Sendable {
    var blocks: [Int: [UnsafeMutablePointer<Float>]] = [:]
    var bytes = 0
  }
  private static let idle = Mutex(Idle())

  /// Sizes are rounded up so that nearly equal tensors share blocks.
  private static func blockBytes(_ count: Int) -> Int {
    let bytes = max(64, count * MemoryLayout<Float>.stride)
    let grain = bytes < smallestKept ? 64 : 1 << 16
    return (bytes + grain - 1) / grain * grain
  }

  static func take(count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = blockBytes(count)
    if bytes >= smallestKept {
      let reused = idle.withLock { idle -> UnsafeMutablePointer<Float>? in
        guard let block = idle.blocks[bytes]?.popLast() else { return nil }
        idle.bytes -= bytes
        return block
      }
      if let reused { return reused }
    }
    return allocate(bytes).bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
  }

  private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    guard bytes >= 2 * hugePage else { return .allocate(byteCount: bytes, alignment: 64) }
    let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: hugePage)
    #if canImport(Glibc)
      // Advice only: where the system has no huge pages for it, nothing is lost.
      madvise(block, bytes, MADV_HUGEPAGE)
    #endif
    return block
  }

  static func give(_ block: UnsafeMutablePointer<Float>, count: Int) {
    let bytes = blockBytes(count)
    let kept =
      bytes >= smallestKept
      && idle.withLock { idle in
        guard idle.bytes + bytes <= capacity else { return false }
        idle.blocks[bytes, default: []].append(block)
        idle.bytes += bytes
        return true
      }
    if !kept { UnsafeMutableRawPointer(block).deallocate() }
  }
}
