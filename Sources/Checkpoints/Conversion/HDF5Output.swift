import Files
import HDF5

extension Conversion {
  /// One contiguous dataset per tensor at the root; the metadata become attributes of the root.
  func writeHDF5(to path: String) throws(CheckpointError) {
    let digest = source.digest ?? BackgroundDigest(of: source.file)
    defer { if source.digest == nil { digest.cancel() } }
    source.file.prefetch()
    do {
      let output = try HDF5File.create(path)
      let root = try output.root()
      for (index, entry) in source.entries.enumerated() {
        guard !entry.name.isEmpty, entry.name != ".",
          !entry.name.utf8.contains(where: { [0, 0x2f].contains($0) })
        else {
          throw HDF5Error.unsupported(file: path, object: entry.name, found: "the name '\(entry.name)'")
        }
        let dataset = try root.createDataset(entry.name, entry.elementType, entry.shape)
        try source.contents.bytes(at: index).withBytes { try dataset.write($0) }
      }
      try source.contents.verifyUnread()
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != Self.digestKey {
        try root.setAttribute(key, .string(value))
      }
      try root.setAttribute(Self.digestKey, .string(digest.wait()))
      try output.commit()
    } catch {
      throw CheckpointError(hdf5: error, path: path)
    }
  }
}
