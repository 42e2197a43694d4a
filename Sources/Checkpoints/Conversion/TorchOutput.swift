import Files

extension Conversion {
  /// A checkpoint as `torch.save({"model": OrderedDict, …}, path)` writes it: what else the output carries stands
  /// beside `model` as strings, which `torch.load(weights_only=True)` reads and the official loader leaves alone.
  func writeTorch(to path: String) throws(CheckpointError) {
    var notes = metadata.merging([Self.digestKey: Self.placeholder]) { $1 }
    let digest = source.digest ?? BackgroundDigest(of: source.file)
    defer { if source.digest == nil { digest.cancel() } }
    source.file.prefetch()
    let items = source.entries.map {
      TorchWriter.Item(name: $0.name, elementType: $0.elementType, shape: $0.shape)
    }
    var writer = try TorchWriter(path: path, items, notes: notes)
    for index in source.entries.indices {
      let bytes = try source.contents.bytes(at: index)
      try bytes.withBytes { bytes throws(CheckpointError) in try writer.write(bytes) }
    }
    try source.contents.verifyUnread()
    notes[Self.digestKey] = digest.wait()
    try writer.finish(notes: notes)
  }
}
