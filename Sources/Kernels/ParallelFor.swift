// One way to use the cores. Work is cut into tiles by its shape alone, never by the number of threads, so that
// a result has the same bits however many threads computed it.
import Synchronization
import Tensors
import Threads

/// How many threads the operations use, for the whole process.
public enum Parallelism {
  private static let chosen = Atomic<Int>(0)

  /// How many threads may be asked for.
  public static let counts = 1...1024

  /// The number of threads: what was set last, or `defaultThreads`. At least 1, and 1 where no more can be made.
  public static var threads: Int {
    get {
      let threads = chosen.load(ordering: .relaxed)
      return Threads.canBeMade ? threads > 0 ? threads : defaultThreads : 1
    }
    set { chosen.store(max(1, newValue), ordering: .relaxed) }
  }

  /// One for each physical core that this process may use, by its affinity and CPU quota; on macOS for each fast one.
  public static let defaultThreads = AvailableCores.count

  /// About how many elements a memory-bound tile should hold: 128 KiB, which a second-level cache keeps.
  package static let tileElements = 1 << 15

  /// How many rows of `elements` elements make a memory-bound tile.
  package static func rows(of elements: Int) -> Int { max(1, tileElements / max(1, elements)) }
}

/// Calls `body` with ranges of at most `grain` that cover `0 ..< count` once, on several threads at a time.
public func parallelFor(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
  parallelFor(count, grain: grain, scratch: 0) { range, _ in body(range) }
}

/// Calls `body` with ranges of at most `grain` that cover `0 ..< count` once, on several threads at a time, and
/// with `scratch` uninitialised elements that no other thread uses meanwhile.
public func parallelFor(
  _ count: Int, grain: Int, scratch: Int, _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
) {
  let tiles = (count + grain - 1) / grain
  let workers = min(tiles, Parallelism.threads)
  guard workers > 0 else { return }
  // Whole cache lines apart, so that workers don't share one.
  let scratchStride = (scratch + 15) / 16 * 16
  _ = Tensor([workers * scratchStride]) { memory in
    withoutActuallyEscaping(body) { body in
      let tiling = Tiling(
        count: count, grain: grain, scratch: memory.start, scratchStride: scratchStride, body: body)
      let next = Atomic<Int>(0)
      Threads.perform(workers) { tiling.run(worker: $0, from: next) }
    }
  }
}

/// What the workers of one call share. Unchecked: the caller's `body` promises that ranges don't interfere, and
/// nothing here outlives the call.
private struct Tiling: @unchecked Sendable {
  let count: Int
  let grain: Int
  let scratch: UnsafeMutablePointer<Float>
  let scratchStride: Int
  let body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void

  /// Does tiles until none is left.
  func run(worker: Int, from next: borrowing Atomic<Int>) {
    while true {
      let start = next.wrappingAdd(grain, ordering: .relaxed).oldValue
      guard start < count else { return }
      body(start..<min(count, start + grain), scratch + worker * scratchStride)
    }
  }
}

extension UnsafeBufferPointer {
  /// The first element's address; buffers of tensors always have one.
  package var start: UnsafePointer<Element> {
    guard let baseAddress else { preconditionFailure("a buffer without memory") }
    return baseAddress
  }
}

extension UnsafeMutableBufferPointer {
  /// The first element's address; buffers of tensors always have one.
  package var start: UnsafeMutablePointer<Element> {
    guard let baseAddress else { preconditionFailure("a buffer without memory") }
    return baseAddress
  }
}
