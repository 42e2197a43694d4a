import Files

/// A source while it is converted: what lies in its file as it will be written is copied from file to file on this thread,
/// and verified on another one.
final class SourceReading {
  private let source: Checkpoint
  private let digest: BackgroundWork<String?>?
  private let verification: BackgroundWork<Result<Void, CheckpointError>>

  /// Begins to verify, and to take the whole file's SHA-256 if that is asked for and was not begun before.
  ///
  /// - Parameter mapped: Whether all tensors will be read through the mapping, not only those that have to be made.
  init(_ source: Checkpoint, takingDigest: Bool, mapped: Bool = false) {
    self.source = source
    let isMapped = mapped || source.entries.indices.contains { source.contents.place(at: $0) == nil }
    // What the holes of a sparse file stand for may not fit memory.
    if isMapped, !source.file.isSparse { source.file.prefetch() }
    digest = takingDigest ? source.digest ?? BackgroundWork(digesting: source.file) : nil
    verification = BackgroundWork { [contents = source.contents] isCancelled in
      Result { () throws(CheckpointError) in try contents.verifyPlaces(isCancelled) }
    }
  }

  deinit {
    verification.cancel()
    // One that was begun with the checkpoint serves its other conversions too.
    if source.digest == nil { digest?.cancel() }
  }

  /// Appends the elements of one tensor.
  func append(_ index: Int, to output: borrowing OutputFile) throws(CheckpointError) {
    if let place = source.contents.place(at: index) {
      try filing { () throws(FileError) in try output.copy(place, of: source.file) }
    } else {
      let bytes = try source.contents.bytes(at: index)
      try filing { () throws(FileError) in
        try bytes.withBytes { bytes throws(FileError) in try output.write(bytes) }
      }
    }
  }

  /// Waits until all is verified.
  ///
  /// - Returns: The digest, if it is taken.
  /// - Throws: What is wrong with the source, also with parts that no tensor needs.
  func finish() throws(CheckpointError) -> String? {
    try verification.wait().get()
    try source.contents.verifyUnread()
    let digest = digest?.wait()
    // What was verified is what was copied.
    try filing { () throws(FileError) in try source.file.checkUnchanged() }
    return digest
  }
}
