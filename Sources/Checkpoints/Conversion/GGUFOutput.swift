import Files

extension Conversion {
  /// A GGUF file of version 3, the tensors in the source's order.
  func writeGGUF(to path: String) throws(CheckpointError) {
    let placed = metadata.merging([Self.digestKey: Self.placeholder]) { $1 }
    let layout = try naming(path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFLayout(source.entries, metadata: placed, place: Self.digestKey)
    }
    guard let place = layout.place else { preconditionFailure("a header without its \(Self.digestKey)") }
    let digest = source.digest ?? BackgroundDigest(of: source.file)
    defer { if source.digest == nil { digest.cancel() } }
    source.file.prefetch()
    let output = try filing { () throws(FileError) in try OutputFile(path: path) }
    try filing { () throws(FileError) in try output.write(layout.header) }
    for index in source.entries.indices {
      let bytes = try source.contents.bytes(at: index)
      let padding = [UInt8](repeating: 0, count: GGUFLayout.padding(behind: bytes.count))
      try filing { () throws(FileError) in
        try bytes.withBytes { bytes throws(FileError) in try output.write(bytes) }
        try output.write(padding)
      }
    }
    try source.contents.verifyUnread()
    try filing { () throws(FileError) in try output.overwrite(at: place, with: Array(digest.wait().utf8)) }
    do { try output.commit() } catch { throw .file(error) }
  }
}
