extension Conversion {
  /// A checkpoint as `torch.save({"model": OrderedDict, …}, path)` writes it: what else the output carries stands
  /// beside `model` as strings, which `torch.load(weights_only=True)` reads and the official loader leaves alone.
  func writeTorch(to path: String, durable: Bool) throws(CheckpointError) {
    var notes = metadata
    let reading = SourceReading(source, takingDigest: takesDigest)
    let items = source.entries.map {
      TorchWriter.Item(name: $0.name, elementType: $0.elementType, shape: $0.shape)
    }
    var writer = try TorchWriter(path: path, items, notes: notes, durable: durable)
    for index in source.entries.indices {
      if let place = source.contents.place(at: index) {
        try writer.copy(place, of: source.file)
      } else {
        let bytes = try source.contents.bytes(at: index)
        try bytes.withBytes { bytes throws(CheckpointError) in try writer.write(bytes) }
      }
    }
    if let digest = try reading.finish() { notes[Self.digestKey] = digest }
    try writer.finish(notes: notes)
  }
}
