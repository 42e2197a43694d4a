import Files
import HDF5

extension Conversion {
  /// One contiguous dataset per tensor at the root; the metadata become attributes of the root.
  ///
  /// The library writes from the mapped file, which is verified before. Holes are written out as zeros.
  func writeHDF5(to path: String, durable: Bool) throws(CheckpointError) {
    let reading = SourceReading(source, takingDigest: takesDigest, mapped: true)
    do {
      let output = try HDF5File.create(path, durable: durable)
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
      let digest = try reading.finish()
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != Self.digestKey {
        try root.setAttribute(key, .string(value))
      }
      if let digest { try root.setAttribute(Self.digestKey, .string(digest)) }
      try output.commit()
    } catch {
      throw CheckpointError(hdf5: error, path: path)
    }
  }
}
