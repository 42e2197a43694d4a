import Dispatch
import Files
import Synchronization

/// Something done on another thread while this one works.
final class BackgroundWork<Value: Sendable>: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<Value?>(nil)
  private let isCancelled = Atomic(false)

  /// Begins at once. `body` asks now and then whether it is still wanted.
  init(_ body: @escaping @Sendable (_ isCancelled: () -> Bool) -> Value) {
    DispatchQueue.global().async(group: group) { [self] in
      let value = body { isCancelled.load(ordering: .relaxed) }
      result.withLock { $0 = value }
    }
  }

  /// Stops early: nobody wants the result any more.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// The result, once it is there.
  func wait() -> Value {
    group.wait()
    guard let value = result.withLock({ $0 }) else { preconditionFailure("work that ended without a result") }
    return value
  }
}

extension BackgroundWork where Value == String? {
  /// Takes the SHA-256 of a whole file; nil when cancelled on the way.
  convenience init(digesting file: MappedFile) {
    self.init { isCancelled in
      // Large enough to run at full speed, small enough to stop soon.
      let piece = 4 << 20
      return withExtendedLifetime(file) {
        let bytes = file.bytes
        var sum = SHA256()
        for start in stride(from: 0, to: bytes.count, by: piece) {
          if isCancelled() { return nil }
          sum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)]))
        }
        return sum.finish()
      }
    }
  }
}
