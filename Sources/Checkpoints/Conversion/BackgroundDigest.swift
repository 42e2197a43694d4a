import Dispatch
import Files
import Synchronization

/// The SHA-256 of a whole file, taken on another thread while this one works.
final class BackgroundDigest: Sendable {
  private let group = DispatchGroup()
  private let digest = Mutex<String?>(nil)
  private let isCancelled = Atomic(false)
  /// Large enough to run at full speed, small enough to stop soon.
  private static let piece = 4 << 20

  init(of file: MappedFile) {
    DispatchQueue.global().async(group: group) { [self] in
      let hex = withExtendedLifetime(file) { sum(of: file.bytes) }
      digest.withLock { $0 = hex }
    }
  }

  /// The digest, or nil when cancelled on the way.
  private func sum(of bytes: UnsafeRawBufferPointer) -> String? {
    var sum = SHA256()
    for start in stride(from: 0, to: bytes.count, by: Self.piece) {
      if isCancelled.load(ordering: .relaxed) { return nil }
      sum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.piece, bytes.count)]))
    }
    return sum.finish()
  }

  /// Stops early: nobody wants the digest any more.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// The digest as 64 hexadecimal digits. Nobody may have cancelled it.
  func wait() -> String {
    group.wait()
    guard let hex = digest.withLock({ $0 }) else {
      preconditionFailure("waited for a cancelled digest")
    }
    return hex
  }
}
