import Dispatch
import Files
import Synchronization
import Threads

/// What goes on beside a conversion: the source is verified and its digest taken on other threads.
final class SourceReading {
  private let source: Checkpoint
  private let digest: BackgroundWork<String?>?
  private let verification: BackgroundWork<Result<Void, CheckpointError>>?

  /// Begins to verify, and to take the whole file's SHA-256 if that is asked for and was not begun before.
  ///
  /// - Parameters:
  ///   - mapped: Whether all tensors will be read through the mapping, not only those that have to be made.
  ///   - streamed: Whether checksums are taken of what is written, so that only the rest is left to verify in the end.
  init(_ source: Checkpoint, takingDigest: Bool, mapped: Bool = false, streamed: Bool = false) {
    self.source = source
    let isMapped = mapped || source.entries.indices.contains { source.contents.place(at: $0) == nil }
    // What the holes of a sparse file stand for may not fit memory; of several files each is read when its turn comes.
    if isMapped, source.files.count == 1, !source.files[0].isSparse { source.files[0].prefetch() }
    digest = takingDigest ? source.digest ?? BackgroundWork(digesting: source.files) : nil
    verification =
      streamed
      ? nil
      : BackgroundWork { [contents = source.contents] isCancelled in
        Result { () throws(CheckpointError) in try contents.verifyPlaces(isCancelled) }
      }
  }

  deinit {
    verification?.cancel()
    // One that was begun with the checkpoint serves its other conversions too.
    if source.digest == nil { digest?.cancel() }
  }

  /// Waits until all is verified.
  ///
  /// - Returns: The digest, if it is taken.
  /// - Throws: What is wrong with the source, also with parts that no tensor needs.
  func finish() throws(CheckpointError) -> String? {
    try verification?.wait().get()
    try source.contents.verifyUnread()
    let digest = digest?.wait()
    // What was verified is what was copied.
    for file in source.files { try filing { () throws(FileError) in try file.checkUnchanged() } }
    return digest
  }
}

/// Something done on another thread while this one works.
final class BackgroundWork<Value: Sendable>: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<Value?>(nil)
  private let isCancelled = Atomic(false)

  /// Begins at once. `body` asks now and then whether it is still wanted.
  init(_ body: @escaping @Sendable (_ isCancelled: () -> Bool) -> Value) {
    Threads.begin(group) { [self] in
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
  /// Takes the SHA-256 of whole files, one after the other as if they were one; nil when cancelled on the way.
  convenience init(digesting files: [MappedFile]) {
    self.init { isCancelled in
      // Large enough to run at full speed, small enough to stop soon.
      let piece = 4 << 20
      return withExtendedLifetime(files) {
        var sum = SHA256()
        for bytes in files.map(\.bytes) {
          for start in stride(from: 0, to: bytes.count, by: piece) {
            if isCancelled() { return nil }
            sum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)]))
          }
        }
        return sum.finish()
      }
    }
  }
}
