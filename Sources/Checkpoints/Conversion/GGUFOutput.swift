extension Conversion {
  /// A GGUF file of version 3, the tensors in the source's order.
  func writeGGUF(to path: String) throws(CheckpointError) {
    let layout = try naming(path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFLayout(source.entries, metadata: metadata, place: takesDigest ? Self.digestKey : nil)
    }
    try writeParts(
      to: path, header: layout.header, source.entries.indices, digestAt: layout.place,
      padding: GGUFLayout.padding(behind:))
  }
}
