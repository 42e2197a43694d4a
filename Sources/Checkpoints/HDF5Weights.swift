import Files
import HDF5
import Tensors

/// An HDF5 file of weights: one dataset per tensor at the root, named by its state-dict key, dots and all, so that
/// the name is the same string everywhere; attributes of the root are the metadata.
final class HDF5Weights: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let path: String
  private let root: HDF5Group

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    path = file.path
    do {
      root = try HDF5File.open(file.path).root()
      metadata = try Self.metadata(of: root)
      if let recording = metadata["format"].flatMap({ Self.recordings[$0] }) {
        throw CheckpointError.recording(path: file.path, found: recording)
      }
      entries = try Self.entries(of: root, file, limits)
    } catch {
      throw CheckpointError(hdf5: error, path: file.path)
    }
  }

  /// Files whose root says that they are no weights; see `Reference/README.md` and `Reference/sketches.md`.
  private static let recordings = [
    "sam2kit.trace": "a trace, which is the recording of a run",
    "sam2kit.sketch": "a sketch, which is what is kept of a run's recording",
  ]

  private static func entries(
    of root: borrowing HDF5Group, _ file: MappedFile, _ limits: ReadingLimits
  ) throws -> [Checkpoint.Entry] {
    let (scaled, overflow) = file.bytes.count.multipliedReportingOverflow(by: limits.inflationRatio)
    let limit = max(limits.inflationFree, overflow ? .max : scaled)
    var total = 0
    var entries: [Checkpoint.Entry] = []
    for name in try root.children() {
      let dataset = try root.dataset(name)
      let type = try dataset.elementType()
      guard let byteCount = TorchTensor.byteCount(dataset.shape.extents, type), byteCount <= limit - total
      else {
        throw HDF5Error.unsupported(
          file: file.path, object: "/\(name)",
          found: "a dataset of shape \(dataset.shape), beyond \(limit) bytes,")
      }
      total += byteCount
      entries.append(
        Checkpoint.Entry(
          name: name, elementType: type, shape: dataset.shape, byteCount: byteCount, isContiguous: true))
    }
    return entries
  }

  private static func metadata(of root: borrowing HDF5Group) throws -> [String: String] {
    var metadata: [String: String] = [:]
    for name in try root.attributeNames() {
      switch try root.attribute(name) {
      case .string(let text): metadata[name] = text
      case .integer(let number): metadata[name] = "\(number)"
      case .real(let number): metadata[name] = "\(number)"
      case nil: break
      }
    }
    return metadata
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let block = ByteBlock(count: entries[index].byteCount)
    do {
      let dataset = try root.dataset(entries[index].name)
      try dataset.read(into: block.bytes)
    } catch {
      throw CheckpointError(hdf5: error, path: path)
    }
    return TensorBytes(block)
  }

  /// Reading checks what checksums there are.
  func verify() throws(CheckpointError) {
    for index in entries.indices { _ = try bytes(at: index) }
  }
}

extension CheckpointError {
  /// Wraps what the HDF5 layer throws.
  init(hdf5 error: any Error, path: String) {
    switch error {
    case let error as CheckpointError: self = error
    case let error as FileError: self = .file(error)
    case let error as HDF5Error: self = .hdf5(error)
    default: self = .unknownFormat(path: path, found: "\(error)")
    }
  }
}

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
