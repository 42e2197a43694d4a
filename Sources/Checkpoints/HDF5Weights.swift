import Files
import HDF5
import Tensors

/// An HDF5 file of weights: one dataset per tensor, named by its state-dict key, dots and all, as this program writes it;
/// or in groups within groups, whose names stand before it with dots between. Attributes of the root are the metadata.
final class HDF5Weights: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  /// Datasets that hold no numbers are left out.
  let selection: Selection
  private let path: String
  private let root: HDF5Group
  /// The path of each tensor's dataset.
  private let datasets: [String]

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    path = file.path
    do {
      root = try HDF5File.open(file.path).root()
      metadata = try Self.metadata(of: root)
      if let recording = metadata["format"].flatMap({ Self.recordings[$0] }) {
        throw CheckpointError.recording(path: file.path, found: recording)
      }
      var listing = Listing(file, limits)
      try listing.add(root, prefix: "", ancestors: [])
      if listing.entries.isEmpty, listing.groups > 1 {
        throw HDF5Error.wrongKind(
          file: file.path, object: "/", expected: "datasets of numbers", found: "groups without")
      }
      (entries, datasets) = (listing.entries, listing.datasets)
      selection = Selection(leftOut: listing.leftOut)
    } catch {
      throw CheckpointError(hdf5: error, path: file.path)
    }
  }

  /// Files whose root says that they are no weights; see `Reference/README.md` and `Reference/sketches.md`.
  private static let recordings = [
    "sam2kit.trace": "a trace, which is the recording of a run",
    "sam2kit.sketch": "a sketch, which is what is kept of a run's recording",
  ]

  /// The datasets of a file, found in its groups in the order of names.
  private struct Listing {
    private(set) var entries: [Checkpoint.Entry] = []
    private(set) var datasets: [String] = []
    private(set) var leftOut: [String] = []
    /// Groups that were looked into, the root included.
    private(set) var groups = 0
    private let file: MappedFile
    private let limits: ReadingLimits
    /// Bytes that all datasets may have together.
    private let limit: Int
    private var total = 0
    private var names: Set<String> = []

    init(_ file: MappedFile, _ limits: ReadingLimits) {
      (self.file, self.limits) = (file, limits)
      limit = limits.inflated(from: file.bytes.count)
    }

    /// Adds what is in a group, whose datasets' names begin with `prefix`.
    mutating func add(_ group: borrowing HDF5Group, prefix: String, ancestors: [UInt64]) throws {
      groups += 1
      let address = try group.address()
      guard groups <= limits.groups, ancestors.count < limits.pickleNesting, !ancestors.contains(address) else {
        throw HDF5Error.unsupported(
          file: file.path, object: group.path,
          found: "a group within itself, or more groups than the limits allow,")
      }
      for name in try group.children() {
        if try group.kind(of: name) == .group {
          let inner = try group.group(name)
          try add(inner, prefix: "\(prefix)\(name).", ancestors: ancestors + [address])
        } else {
          try add(try group.dataset(name), as: prefix + name)
        }
      }
    }

    private mutating func add(_ dataset: borrowing HDF5Dataset, as name: String) throws {
      guard names.insert(name).inserted else {
        throw HDF5Error.unsupported(
          file: file.path, object: dataset.path, found: "a second dataset for '\(name)'")
      }
      guard try dataset.holdsNumbers() else {
        leftOut.append("'\(dataset.path)' (no numbers)")
        return
      }
      let type = try dataset.elementType()
      guard let byteCount = TorchTensor.byteCount(dataset.shape.extents, type), byteCount <= limit - total
      else {
        throw HDF5Error.unsupported(
          file: file.path, object: dataset.path,
          found: "a dataset of shape \(dataset.shape), beyond \(limit) bytes,")
      }
      total += byteCount
      datasets.append(dataset.path)
      entries.append(
        Checkpoint.Entry(
          name: name, elementType: type, shape: dataset.shape, byteCount: byteCount, isContiguous: true))
    }
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
      let dataset = try root.dataset(datasets[index])
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
