import Files

/// Writes a checkpoint's tensors into another format, every bit kept.
///
/// The output says what it was made of: `source_sha256`, the digest of the whole source file, or of several one after the
/// other by name, where that is taken (see `takesWholeDigest`), and `source_directory_sha256` (see
/// `Checkpoint.directoryDigest`) of a zipped `.pt` file. Nothing appears at the output path before every checksum of the
/// source was verified.
public struct Conversion: Sendable {
  /// What to convert.
  public let source: Checkpoint
  /// Words for the output to carry.
  public let metadata: [String: String]
  private let isDurable: Bool
  let takesDigest: Bool

  /// The key of the source file's digest in the output's metadata.
  public static let digestKey = "source_sha256"
  /// The key of the digest of a `.pt` source's directory.
  public static let directoryDigestKey = "source_directory_sha256"
  /// Stands for the digest until it is known.
  static let placeholder = String(repeating: "0", count: 64)

  /// Bytes of a `.pt` file up to which its whole digest is taken unasked. One core takes it at about 2 GB a second,
  /// while two threads copy and verify at twice that.
  public static let wholeDigestLimit = 256 << 20

  /// Whether a conversion takes the SHA-256 of the whole source file unasked: of a zipped `.pt` file, whose parts carry
  /// checksums, up to `wholeDigestLimit`; of other formats and layouts, where nothing else identifies the content, always.
  public static func takesWholeDigest(
    of format: Checkpoint.Format, layout: Checkpoint.Layout = .whole, byteCount: Int
  ) -> Bool {
    format != .torch || layout != .whole || byteCount <= wholeDigestLimit
  }

  /// A conversion of `source` whose output carries `metadata`.
  ///
  /// - Parameters:
  ///   - wholeDigest: Take the whole source's SHA-256 however large it is.
  ///   - durable: Wait until the output is on the disk before it replaces what is there.
  public init(
    _ source: Checkpoint, metadata: [String: String] = [:], wholeDigest: Bool = false, durable: Bool = false
  ) {
    self.source = source
    takesDigest = wholeDigest || source.takesWholeDigest
    isDurable = durable
    var words = metadata
    words[Self.digestKey] = takesDigest ? Self.placeholder : nil
    words[Self.directoryDigestKey] = source.directoryDigest
    self.metadata = words
  }

  /// Writes the tensors to `path`, replacing what is there.
  ///
  /// - Throws: `CheckpointError` where the source is broken, `format` can't hold one of its tensors, or the
  ///   output can't be written; `path` then stays as it was.
  public func write(to path: String, as format: Checkpoint.Format) throws(CheckpointError) {
    switch format {
    case .safetensors: try writeSafetensors(to: path)
    case .hdf5: try writeHDF5(to: path, durable: isDurable)
    case .gguf: try writeGGUF(to: path)
    case .torch: try writeTorch(to: path, durable: isDurable)
    }
  }

  private func writeSafetensors(to path: String) throws(CheckpointError) {
    let layout = try naming(path, CheckpointError.safetensors) { () throws(SafetensorsError) in
      try SafetensorsLayout(source.entries, metadata: metadata)
    }
    let key = Array("\"\(Self.digestKey)\":\"".utf8)
    let place = layout.header.firstRange(of: key)?.upperBound
    try writeParts(to: path, header: layout.header, layout.order, digestAt: place) { _ in 0 }
  }

  /// A header, then tensors in that order, each with so many zeros behind it, then the digest at its place.
  func writeParts(
    to path: String, header: [UInt8], _ order: some Sequence<Int>, digestAt place: Int?,
    padding: (_ byteCount: Int) -> Int
  ) throws(CheckpointError) {
    let reading = SourceReading(source, takingDigest: takesDigest, streamed: true)
    let output = try filing { () throws(FileError) in try OutputFile(path: path, durable: isDurable) }
    try filing { () throws(FileError) in try output.write(header) }
    let order = Array(order)
    let stream = PieceStream(source.file, order.compactMap { source.contents.place(at: $0) })
    defer { stream.cancel() }
    for index in order {
      if source.contents.place(at: index) != nil {
        let checksum = try filing { () throws(FileError) in try stream.writeNext(to: output) }
        try source.contents.confirm(checksum, at: index)
      } else {
        let bytes = try source.contents.bytes(at: index)
        try filing { () throws(FileError) in
          try bytes.withBytes { bytes throws(FileError) in try output.write(bytes) }
        }
      }
      let zeros = [UInt8](repeating: 0, count: padding(source.entries[index].byteCount))
      try filing { () throws(FileError) in try output.write(zeros) }
    }
    if let digest = try reading.finish() {
      guard let place else { preconditionFailure("a header without its \(Self.digestKey)") }
      try filing { () throws(FileError) in try output.overwrite(at: place, with: Array(digest.utf8)) }
    }
    do { try output.commit() } catch { throw .file(error) }
  }
}
