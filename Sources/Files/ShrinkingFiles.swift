internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What happens when a mapped file is cut short while it is read: the system has no bytes for the memory and sends
/// SIGBUS. A look at the length beforehand can't prevent it, since the file may be cut at any moment after.
public enum ShrinkingFiles {
  /// Every mapped file and where it is mapped.
  static let mapped = SignalTable(capacity: 1024)
  /// Every temporary file.
  static let partial = SignalTable(capacity: 256)
  /// Whether one thread ends the program already: several may read the same file.
  private static let isEnding = Atomic(false)

  /// From now on such a file ends the program with a sentence on stderr that names it, and exit code 2; temporary files
  /// are removed first.
  ///
  /// For programs, which own their signals; a library leaves them alone.
  public static func exitWhenRead() {
    // Made here, so that the handler finds them made.
    _ = (mapped.records, partial.records, isEnding.load(ordering: .relaxed))
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    #if canImport(Darwin)
      action.__sigaction_u.__sa_sigaction = { _, information, _ in
        ShrinkingFiles.end(at: information?.pointee.si_addr)
      }
    #else
      action.__sigaction_handler.sa_sigaction = { _, information, _ in
        ShrinkingFiles.end(at: information?.pointee._sifields._sigfault.si_addr)
      }
    #endif
    sigaction(SIGBUS, &action, nil)
  }

  /// Runs in the signal handler: system calls and reads of fixed memory only.
  private static func end(at address: UnsafeMutableRawPointer?) {
    let place = UInt(bitPattern: address)
    for record in mapped.records {
      guard let path = record.path, place >= record.start, place - record.start < record.count else { continue }
      while isEnding.exchange(true, ordering: .relaxed) { pause() }
      for file in partial.records {
        if let path = file.path { unlink(path) }
      }
      write("error: ")
      systemWrite(STDERR_FILENO, path, strlen(path))
      write(": can't be read: it was cut short by another program meanwhile\n")
      _exit(2)
    }
    // No mapped file's: whatever it is, it happens again and ends the program as it would have.
    signal(SIGBUS, SIG_DFL)
  }

  private static func write(_ text: StaticString) {
    systemWrite(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }
}

@discardableResult private func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer, _ count: Int) -> Int
{
  write(descriptor, bytes, count)
}

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
      records[free] = Record(start: start, count: count, path: path.withFileName { strdup($0) })
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
