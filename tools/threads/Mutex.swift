// A mutex that ThreadSanitizer sees. Synchronization's is part of Swift's runtime, which isn't instrumented, so that what
// it guards would seem unguarded. This file is compiled into every module, where its type comes before the imported one.

import Glibc

struct Mutex<Value>: ~Copyable, Sendable {
  private final class Guarded: @unchecked Sendable {
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    var value: Value

    init(_ value: Value) {
      self.value = value
      pthread_mutex_init(lock, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      lock.deallocate()
    }
  }

  private let guarded: Guarded

  init(_ value: Value) { guarded = Guarded(value) }

  borrowing func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(guarded.lock)
    defer { pthread_mutex_unlock(guarded.lock) }
    return try body(&guarded.value)
  }
}
