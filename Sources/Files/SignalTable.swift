internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Paths, each with a range of memory, that a signal handler may read: a fixed number of places, no lock and no
/// allocation on reading. Beyond that number nothing is kept.
struct SignalTable: @unchecked Sendable {
  struct Record {
    var start: UInt = 0
    var count: UInt = 0
    /// Nil where the place is free.
    var path: UnsafeMutablePointer<CChar>?
  }

  /// Its places, allocated once and never freed.
  let records: UnsafeMutableBufferPointer<Record>
  private let lock = Lock()

  private final class Lock: Sendable {
    let mutex = Mutex(())
  }

  init(capacity: Int) {
    records = .allocate(capacity: capacity)
    records.initialize(repeating: Record())
  }

  /// Notes a path.
  func add(_ path: String, start: UInt = 0, count: UInt = 0) {
    lock.mutex.withLock { _ in
      guard let free = records.firstIndex(where: { $0.path == nil }) else { return }
      records[free] = Record(start: start, count: count, path: strdup(path))
    }
  }

  /// Forgets the first place that `isMeant` says.
  func remove(where isMeant: (Record) -> Bool) {
    lock.mutex.withLock { _ in
      guard let index = records.firstIndex(where: { $0.path != nil && isMeant($0) }) else { return }
      let path = records[index].path
      records[index] = Record()
      free(path)
    }
  }
}
