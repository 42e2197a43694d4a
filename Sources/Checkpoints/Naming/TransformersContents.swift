import Tensors

/// transformers' names turned into official ones.
struct TransformersReading {
  /// What comes of the stored tensors, numbered as in the file.
  private(set) var tensors: [(entry: Checkpoint.Entry, origin: RenamedContents.Origin)] = []

  /// Tensors by what transformers calls them. Names that it doesn't have stay as they are.
  ///
  /// - Throws: `CheckpointError.naming` where the two copies of the position encoding differ, or the point embeddings
  ///   aren't rows of one tensor.
  init(
    _ stored: [(index: Int, entry: Checkpoint.Entry)], in contents: any TensorContents, path: String
  ) throws(CheckpointError) {
    var places: [String: Int] = [:]
    for (index, entry) in stored { places[entry.name] = index }
    let (original, copy) = (places[NameTable.copied.original], places[NameTable.copied.copy])
    if let original, let copy {
      let isEqual = try contents.bytes(at: original).isEqual(to: contents.bytes(at: copy))
      guard isEqual, contents.entries[original].shape == contents.entries[copy].shape else {
        throw .naming(path: path, .unequalCopies(NameTable.copied.original, NameTable.copied.copy))
      }
    }
    for (index, entry) in stored {
      switch entry.name {
      case NameTable.joined.whole: try split(index, entry, path)
      case NameTable.copied.copy where original != nil: break
      case NameTable.copied.copy: rename(index, entry, as: NameTable.copied.original)
      default: rename(index, entry, as: entry.name)
      }
    }
  }

  private mutating func rename(_ index: Int, _ entry: Checkpoint.Entry, as name: String) {
    tensors.append((entry.renamed(NameTable.transformers.left(of: name) ?? entry.name), .whole(index)))
  }

  /// Every row becomes a tensor of its own.
  private mutating func split(_ index: Int, _ entry: Checkpoint.Entry, _ path: String) throws(CheckpointError) {
    let names = NameTable.joined.parts
    guard entry.shape.rank == 2, entry.shape[0] == names.count else {
      throw .naming(
        path: path, .unjoinable(name: entry.name, found: "\(entry.elementType.rawValue) \(entry.shape)"))
    }
    let size = entry.byteCount / names.count
    for (row, name) in names.enumerated() {
      let part = Checkpoint.Entry(
        name: name, elementType: entry.elementType, shape: [1, entry.shape[1]], byteCount: size,
        isContiguous: entry.isContiguous)
      tensors.append((part, .part(index, offset: row * size)))
    }
  }
}

extension Checkpoint {
  /// The same tensors, called as `naming` calls them. Names here are official ones whatever the file has.
  ///
  /// transformers keeps the four point embeddings in one tensor, and the matrix of the position encoding twice.
  ///
  /// - Throws: `CheckpointError.naming` where tensors have no name there.
  public func named(_ naming: Naming) throws(CheckpointError) -> Checkpoint {
    switch naming {
    case .meta: self
    case .transformers: try namedForTransformers()
    }
  }

  private func namedForTransformers() throws(CheckpointError) -> Checkpoint {
    var tensors: [(entry: Entry, origin: RenamedContents.Origin)] = []
    var unnamed: [String] = []
    for (index, entry) in entries.enumerated() {
      if NameTable.joined.parts.contains(entry.name), self[NameTable.joined.parts[0]] != nil {
        if entry.name == NameTable.joined.parts[0] { tensors.append(try joined()) }
        continue
      }
      guard let name = NameTable.transformers.right(of: entry.name) else {
        unnamed.append(entry.name)
        continue
      }
      tensors.append((entry.renamed(name), .whole(index)))
      if name == NameTable.copied.original {
        tensors.append((entry.renamed(NameTable.copied.copy), .whole(index)))
      }
    }
    guard unnamed.isEmpty else {
      throw .naming(path: path, .noCounterpart(names: unnamed, naming: .transformers))
    }
    return with(RenamedContents(contents, tensors))
  }

  /// The point embeddings, which have a row each, in one tensor.
  private func joined() throws(CheckpointError) -> (Entry, RenamedContents.Origin) {
    let names = NameTable.joined.parts
    let parts = names.compactMap { name in entries.firstIndex { $0.name == name } }
    let first = entries[parts[0]]
    let odd = parts.map { entries[$0] }.first {
      $0.shape != first.shape || $0.elementType != first.elementType || $0.shape.rank != 2 || $0.shape[0] != 1
    }
    guard parts.count == names.count, odd == nil else {
      throw .naming(
        path: path,
        .unjoinable(
          name: NameTable.joined.whole,
          found: odd.map { "'\($0.name)' as \($0.elementType.rawValue) \($0.shape)" }
            ?? "\(parts.count) of them"))
    }
    let entry = Entry(
      name: NameTable.joined.whole, elementType: first.elementType, shape: [parts.count, first.shape[1]],
      byteCount: parts.count * first.byteCount, isContiguous: false)
    return (entry, .joined(parts))
  }
}
