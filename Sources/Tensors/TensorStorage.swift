internal import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Memory for elements, counted by reference: either its own, aligned to 64 bytes and returned to a pool when the last
/// tensor lets go, or somebody else's that must not be written.
final class TensorStorage: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  /// What keeps the memory: the pool's block, or somebody else.
  private enum Owner {
    case pool(StoragePool.Block)
    case other(any AnyObject & Sendable)
  }
  private let owner: Owner

  var isReadOnly: Bool {
    if case .other = owner { true } else { false }
  }

  /// Uninitialised memory from the pool: a block that `byteCount` bytes fill well enough or, for what is kept for long,
  /// `exactly`.
  init(byteCount: Int, exactly: Bool = false) {
    let block = StoragePool.take(byteCount: byteCount, exactly: exactly)
    base = block.base
    owner = .pool(block)
  }

  /// Read-only memory that `owner` keeps alive.
  init(borrowing memory: UnsafeRawPointer, owner: any AnyObject & Sendable) {
    base = UnsafeMutableRawPointer(mutating: memory)
    self.owner = .other(owner)
  }

  deinit {
    if case .pool(let block) = owner { StoragePool.give(block) }
  }

  /// The memory as elements of one type, which all accesses of a tensor agree about.
  @inline(__always)
  func elements<Element: TensorElement>(of type: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    base.assumingMemoryBound(to: type)
  }

  /// Whether this is its own memory, and a block as small as `byteCount` bytes can be in.
  func isJust(_ byteCount: Int) -> Bool {
    if case .pool(let block) = owner { block.bytes == StoragePool.blockBytes(byteCount) } else { false }
  }
}

/// Recycled tensor memory. Fresh pages cost a fault each, which on activations of 100 MB is as slow as the
/// arithmetic, so blocks of the same size go round.
enum StoragePool {
  /// Blocks at least this large are kept; malloc is quick below.
  private static let smallestKept = 1 << 16
  /// Linux' large pages on x86-64: one fault and one translation for what takes 512 otherwise.
  private static let hugePage = 1 << 21

  /// A block may serve a tensor that fills at least this part of it.
  private static let smallestFill = 0.5

  /// Memory and how much of it there is.
  struct Block: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let bytes: Int
  }

  private struct Idle {
    /// In the order in which they were given back.
    var blocks: [Block] = []
    var bytes = 0
    /// No more than this many bytes are held back from the system.
    var limit = 1 << 30

    /// Keeps a block, and lets go of those that nobody wanted for longest.
    mutating func give(_ block: Block) -> [Block] {
      blocks.append(block)
      bytes += block.bytes
      var dropped: [Block] = []
      while bytes > limit {
        let oldest = blocks.removeFirst()
        bytes -= oldest.bytes
        dropped.append(oldest)
      }
      return dropped
    }

    mutating func take(_ wanted: Int, exactly: Bool) -> Block? {
      // Searched from the end: what was given back last is warm.
      let fitting = blocks.indices.reversed().filter {
        exactly
          ? blocks[$0].bytes == wanted
          : blocks[$0].bytes >= wanted && Double(wanted) >= smallestFill * Double(blocks[$0].bytes)
      }
      guard let best = fitting.min(by: { blocks[$0].bytes < blocks[$1].bytes }) else { return nil }
      bytes -= blocks[best].bytes
      return blocks.remove(at: best)
    }
  }
  private static let idle = Mutex(Idle())

  /// Sizes are rounded up so that nearly equal tensors share blocks.
  static func blockBytes(_ byteCount: Int) -> Int {
    let bytes = max(64, byteCount)
    let grain = bytes < smallestKept ? 64 : 1 << 16
    return (bytes + grain - 1) / grain * grain
  }

  /// The smallest idle block that `byteCount` bytes fit and fill well enough, or `exactly`, else a new one.
  static func take(byteCount: Int, exactly: Bool) -> Block {
    let bytes = blockBytes(byteCount)
    if bytes >= smallestKept, let reused = idle.withLock({ $0.take(bytes, exactly: exactly) }) { return reused }
    return Block(base: allocate(bytes), bytes: bytes)
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

  static func give(_ block: Block) {
    let dropped = block.bytes >= smallestKept ? idle.withLock { $0.give(block) } : [block]
    for block in dropped { block.base.deallocate() }
  }

  /// Holds back no more idle bytes from now on.
  static func limit(bytes: Int) { idle.withLock { $0.limit = bytes } }
}
