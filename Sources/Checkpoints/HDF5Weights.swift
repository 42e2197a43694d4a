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
      root = try HDF5File.open(
        file.path, unstored: max(HDF5File.mostUnstored, limits.inflated(from: file.bytes.count))
      ).root()
      metadata = try Self.metadata(of: root)
      if let recording = metadata["format"].flatMap({ Self.recordings[$0] }) {
        throw CheckpointError.recording(path: file.path, found: recording)
      }
      var listing = Listing(file, limits)
      try listing.add(root)
      if listing.entries.isEmpty, try Self.holdsGroups(root) {
        throw HDF5Error.wrongKind(
          file: file.path, object: "/", expected: "datasets of numbers", found: "groups without")
      }
      (entries, datasets) = (listing.entries, listing.datasets)
      selection = Selection(leftOut: listing.leftOut)
    } catch {
      throw CheckpointError(hdf5: error, path: file.path)
    }
  }

  private static func holdsGroups(_ root: HDF5Group) throws -> Bool {
    for name in try root.children() where try root.kind(of: name) == .group { return true }
    return false
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
    private let file: MappedFile
    private let limits: ReadingLimits
    /// Bytes that all datasets may have together.
    private let limit: Int
    private var total = 0
    private var names: Set<String> = []

    /// What a dataset is; nil of what holds no numbers.
    private struct Described {
      let path: String
      var tensor: (type: ElementType, shape: Shape)?
    }

    init(_ file: MappedFile, _ limits: ReadingLimits) {
      (self.file, self.limits) = (file, limits)
      limit = limits.inflated(from: file.bytes.count)
    }

    /// Adds what is in a group and those within it, whose names stand before the datasets', with dots between.
    mutating func add(_ root: HDF5Group) throws {
      let bounds = HDF5TreeBounds(
        depth: limits.pickleNesting, groups: limits.groups, names: limits.zipEntries)
      do {
        let members = try root.members(within: bounds) { group, name, _ -> Described? in
          let dataset = try group.dataset(name)
          guard dataset.holdsNumbers else { return Described(path: dataset.path) }
          return Described(path: dataset.path, tensor: (try dataset.elementType(), dataset.shape))
        }
        for member in members {
          try add(member.value, at: "/\(member.path)", as: member.path.replacing("/", with: "."))
        }
      } catch let error as HDF5TreeError {
        throw HDF5Error.unsupported(file: file.path, object: error.object, found: error.words)
      }
    }

    private mutating func add(_ dataset: Described, at path: String, as name: String) throws {
      guard names.insert(name).inserted else {
        throw HDF5Error.unsupported(file: file.path, object: path, found: "a second dataset for '\(name)'")
      }
      guard let (type, shape) = dataset.tensor else {
        leftOut.append("'\(path)' (no numbers)")
        return
      }
      guard let byteCount = TorchTensor.byteCount(shape.extents, type), byteCount <= limit - total else {
        throw HDF5Error.excessive(
          file: file.path, object: path,
          expected: "at most \(limit) bytes of tensors in a file of \(file.bytes.count) "
            + "(--limit inflation-ratio=NUMBER allows more)",
          found: "shape \(shape) of \(type.rawValue) beyond them")
      }
      total += byteCount
      datasets.append(path)
      entries.append(
        Checkpoint.Entry(name: name, elementType: type, shape: shape, byteCount: byteCount, isContiguous: true))
    }
  }

  private static func metadata(of root: HDF5Group) throws -> [String: String] {
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

extension HDF5TreeError {
  /// Where it is.
  var object: String {
    switch self {
    case .depth(let object, _), .circle(let object), .groups(let object, _), .names(let object, _),
      .nameBytes(let object, _):
      object
    }
  }

  /// What was found, and which limit allows it.
  var words: String {
    switch self {
    case .depth(_, let limit): "a group deeper than \(limit) (--limit pickle-nesting=NUMBER allows more)"
    case .circle: "a group within itself"
    case .groups(_, let limit): "a file of more than \(limit) groups (--limit hdf5-groups=NUMBER allows more)"
    case .names(_, let limit): "a file of more than \(limit) names (--limit zip-entries=NUMBER allows more)"
    case .nameBytes(_, let limit): "a file whose names have more than \(limit) bytes"
    }
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
      let output = try HDF5NewFile(path, durable: durable)
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
