import Files

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
    // What the holes of a sparse file stand for may not fit memory.
    if isMapped, !source.file.isSparse { source.file.prefetch() }
    digest = takingDigest ? source.digest ?? BackgroundWork(digesting: source.file) : nil
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
    try filing { () throws(FileError) in try source.file.checkUnchanged() }
    return digest
  }
}
