import Files

/// Writes a checkpoint's tensors into another format, every bit kept.
///
/// The output carries `source_sha256`, the digest of the whole source file, which is taken while the tensors are
/// written. Nothing appears at the output path before every checksum of the source was verified.
public struct Conversion: Sendable {
  /// What to convert.
  public let source: Checkpoint
  /// Words for the output to carry.
  public let metadata: [String: String]

  /// The key of the source's digest in the output's metadata.
  public static let digestKey = "source_sha256"
  /// Stands for the digest until it is known.
  static let placeholder = String(repeating: "0", count: 64)

  /// A conversion of `source` whose output carries `metadata`.
  public init(_ source: Checkpoint, metadata: [String: String] = [:]) {
    self.source = source
    self.metadata = metadata
  }

  /// Writes the tensors to `path`, replacing what is there.
  ///
  /// - Throws: `CheckpointError` where the source is broken, `format` can't hold one of its tensors, or the
  ///   output can't be written; `path` then stays as it was.
  public func write(to path: String, as format: Checkpoint.Format) throws(CheckpointError) {
    switch format {
    case .safetensors: try writeSafetensors(to: path)
    case .hdf5: try writeHDF5(to: path)
    case .gguf: try writeGGUF(to: path)
    case .torch: try writeTorch(to: path)
    }
  }

  private func writeSafetensors(to path: String) throws(CheckpointError) {
    let placed = metadata.merging([Self.digestKey: Self.placeholder]) { $1 }
    let layout = try naming(path, CheckpointError.safetensors) { () throws(SafetensorsError) in
      try SafetensorsLayout(source.entries, metadata: placed)
    }
    let key = Array("\"\(Self.digestKey)\":\"".utf8)
    guard let place = layout.header.firstRange(of: key)?.upperBound else {
      preconditionFailure("a header without its \(Self.digestKey)")
    }
    let digest = source.digest ?? BackgroundDigest(of: source.file)
    defer { if source.digest == nil { digest.cancel() } }
    source.file.prefetch()
    let output = try filing { () throws(FileError) in try OutputFile(path: path) }
    try filing { () throws(FileError) in try output.write(layout.header) }
    for index in layout.order {
      let bytes = try source.contents.bytes(at: index)
      try filing { () throws(FileError) in
        try bytes.withBytes { bytes throws(FileError) in try output.write(bytes) }
      }
    }
    try source.contents.verifyUnread()
    try filing { () throws(FileError) in try output.overwrite(at: place, with: Array(digest.wait().utf8)) }
    do { try output.commit() } catch { throw .file(error) }
  }
}
