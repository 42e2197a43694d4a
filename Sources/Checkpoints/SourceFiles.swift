import Files

/// The files that a checkpoint is read from: one, or those of an index.
struct SourceFiles {
  /// What they hold.
  let format: Checkpoint.Format
  let layout: Checkpoint.Layout
  /// Every file of weights, in the order of their names.
  let files: [MappedFile]
  private let kinds: [FileKind]
  private let index: ShardIndex?

  /// What was read of them.
  struct Reading {
    let contents: any TensorContents
    var selection = Selection()
    /// What is left of the key that was asked for: a prefix of names.
    var remainingKey: String?
  }

  /// Finds out what a file is, and opens those that it is the index of.
  init(_ file: MappedFile) throws(CheckpointError) {
    let kind = try FileKind(of: file)
    guard let format = kind.format else {
      self = try Self.shards(of: file)
      return
    }
    self.format = format
    layout = kind == .stackedPickles ? .stackedPickles : kind == .tar ? .tar : .whole
    (files, kinds, index) = ([file], [kind], nil)
  }

  private init(format: Checkpoint.Format, files: [MappedFile], kinds: [FileKind], index: ShardIndex) {
    (self.format, layout) = (format, .shards(files.count))
    (self.files, self.kinds, self.index) = (files, kinds, index)
  }

  private static func shards(of file: MappedFile) throws(CheckpointError) -> SourceFiles {
    let index = try naming(file.path, CheckpointError.sharded) { () throws(ShardError) in try ShardIndex(file) }
    var files: [MappedFile] = []
    var kinds: [FileKind] = []
    for name in index.files {
      let part = try filing { () throws(FileError) in try MappedFile(path: index.path(of: name)) }
      let kind = try FileKind(of: part)
      guard let format = kind.format, format == kinds.first?.format ?? format else {
        throw .sharded(path: file.path, .kind(file: name))
      }
      files.append(part)
      kinds.append(kind)
    }
    guard let format = kinds.first?.format else { throw .sharded(path: file.path, .kind(file: file.path)) }
    return SourceFiles(format: format, files: files, kinds: kinds, index: index)
  }

  /// Whether a conversion takes the digest of the whole unasked; see `Conversion.takesWholeDigest`.
  var takesWholeDigest: Bool {
    Conversion.takesWholeDigest(of: format, layout: layout, byteCount: files[0].bytes.count)
  }

  func read(
    key: String?, limits: ReadingLimits, foreign: ForeignObject.Rule
  ) throws(CheckpointError) -> Reading {
    guard let index else { return try Self.read(files[0], kinds[0], key: key, limits, foreign) }
    var parts: [any TensorContents] = []
    var selection = Selection()
    for (file, kind) in zip(files, kinds) {
      let part = try Self.read(file, kind, key: nil, limits, foreign)
      parts.append(part.contents)
      selection.leftOut += part.selection.leftOut
      selection.foreign += part.selection.foreign.filter { !selection.foreign.contains($0) }
    }
    let whole = try naming(index.path, CheckpointError.sharded) { () throws(ShardError) in
      try ShardedContents(parts, index)
    }
    return Reading(contents: whole, selection: selection, remainingKey: key)
  }

  private static func read(
    _ file: MappedFile, _ kind: FileKind, key: String?, _ limits: ReadingLimits, _ foreign: ForeignObject.Rule
  ) throws(CheckpointError) -> Reading {
    switch kind {
    case .zip:
      let archive = try TorchArchive(file, limits: limits, key: key, foreign: foreign)
      return Reading(contents: archive, selection: archive.selection, remainingKey: archive.remainingKey)
    case .stackedPickles, .tar:
      let legacy = try LegacyTorch(
        file, try layout(of: file, kind, limits, foreign), limits: limits, key: key)
      return Reading(contents: legacy, selection: legacy.selection, remainingKey: legacy.remainingKey)
    case .safetensors:
      let stored = try SafetensorsFile(file, limits: limits)
      let contents = try WholeNumberContents(stored, path: file.path)
      return Reading(contents: contents ?? stored, remainingKey: key)
    case .hdf5:
      let weights = try HDF5Weights(file, limits: limits)
      return Reading(contents: weights, selection: weights.selection, remainingKey: key)
    case .gguf: return Reading(contents: try GGUFFile(file, limits: limits), remainingKey: key)
    case .shardIndex: throw .sharded(path: file.path, .kind(file: file.path))
    }
  }

  private static func layout(
    of file: MappedFile, _ kind: FileKind, _ limits: ReadingLimits, _ foreign: ForeignObject.Rule
  ) throws(CheckpointError) -> LegacyTorch.Layout {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    guard kind == .tar else {
      return try naming(file.path, CheckpointError.torch) { () throws(TorchError) in
        try StackedPickles.layout(of: view, limits: limits, foreign: foreign)
      }
    }
    let archive = try naming(file.path, CheckpointError.torch) { () throws(TorchError) in
      try TarArchive(view, limits: limits)
    }
    guard TarredPickles.parts.contains(where: { archive[$0] != nil }) else {
      let words = ForeignContent.archiveWords(archive.members.map(\.name), "a tar archive", command: "tar xf")
      throw .archive(path: file.path, found: words)
    }
    return try naming(file.path, CheckpointError.torch) { () throws(TorchError) in
      try TarredPickles.layout(of: view, archive, limits: limits, foreign: foreign)
    }
  }
}

extension Checkpoint {
  /// The files that a path stands for: itself, of a folder the weights in it, of an index its parts as well. What can't be read
  /// stands for itself, as opening it tells.
  public static func files(at path: String) -> [String] {
    guard let weights = try? ModelFolder.weights(at: path) else { return [path] }
    guard let file = try? MappedFile(path: weights), (try? FileKind(of: file)) == .shardIndex,
      let index = try? ShardIndex(file)
    else { return [weights] }
    return [weights] + index.files.map(index.path)
  }

  /// Whether a conversion takes the SHA-256 of the whole source unasked: of everything but a zipped `.pt` file above
  /// `Conversion.wholeDigestLimit`.
  public var takesWholeDigest: Bool {
    Conversion.takesWholeDigest(of: format, layout: layout, byteCount: fileByteCount)
  }

  /// The SHA-256 of the whole file, or of several one after the other in the order of their names.
  public func wholeDigest() -> String {
    var sum = SHA256()
    withExtendedLifetime(files) {
      for file in files { sum.update(file.bytes) }
    }
    return sum.finish()
  }
}
