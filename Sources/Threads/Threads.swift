// Work on several threads, or in order on one where the system refuses to make more: Dispatch would ask again for ever.
// Source: libdispatch, src/queue.c, _dispatch_root_queue_poke_slow (sleeps and tries again while pthread_create fails).
package import Dispatch

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Threads, as far as the system lets this process have them.
package enum Threads {
  /// Whether as many can be made as are wanted at a time, and the files that Dispatch needs for its first; found out once.
  package static let canBeMade: Bool = {
    guard canMake(wanted), canOpenFiles else { return false }
    // Dispatch opens its files with its first thread, and ends the program where it can't: now, while there is room.
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {}
    group.wait()
    return true
  }()

  /// Those of Dispatch's queues, which are as many as there are processors, and a few of libraries.
  private static let wanted = 16

  /// Calls `body` with 0 ..< `iterations`, on several threads at a time or in order.
  package static func perform(_ iterations: Int, _ body: @Sendable (Int) -> Void) {
    if iterations > 1, canBeMade {
      DispatchQueue.concurrentPerform(iterations: iterations, execute: body)
    } else {
      for iteration in 0..<iterations { body(iteration) }
    }
  }

  /// Begins something on another thread, or does it before this returns.
  package static func begin(_ group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    if canBeMade { DispatchQueue.global().async(group: group, execute: body) } else { body() }
  }

  /// Whether the files can be opened that Dispatch needs for events.
  package static var canOpenFiles: Bool {
    let files = (0..<8).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
    for file in files where file >= 0 { close(file) }
    return files.allSatisfy { $0 >= 0 }
  }

  #if os(Linux)
    /// Whether that many more threads can be there at a time: they are made, wait for each other, and end.
    package static func canMake(_ count: Int) -> Bool {
      let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
      pthread_mutex_init(gate, nil)
      pthread_mutex_lock(gate)
      var made: [pthread_t] = []
      while made.count < count {
        var thread = pthread_t()
        let status = pthread_create(
          &thread, nil,
          { gate in
            let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self)
            if let gate, pthread_mutex_lock(gate) == 0 { pthread_mutex_unlock(gate) }
            return nil
          }, gate)
        if status != 0 { break }
        made.append(thread)
      }
      pthread_mutex_unlock(gate)
      for thread in made { pthread_join(thread, nil) }
      pthread_mutex_destroy(gate)
      gate.deallocate()
      return made.count == count
    }
  #else
    /// The system has threads enough, or ends the program.
    package static func canMake(_ count: Int) -> Bool { true }
  #endif
}
