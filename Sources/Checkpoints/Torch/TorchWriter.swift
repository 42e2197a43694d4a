public import Files
public import Tensors

/// A checkpoint being written as `torch.save({"model": OrderedDict}, path)` writes it: its `data.pkl` is the same bytes,
/// every tensor has a storage of its own, and the file appears when it is finished.
///
/// Tensors are written one at a time, so that no more than one has to be in memory.
/// Source: torch/serialization.py, _save; caffe2/serialize/inline_container.cc, PyTorchStreamWriter.
public struct TorchWriter: ~Copyable {
  /// One tensor to be written.
  public struct Item: Equatable, Sendable {
    /// The state-dict key.
    public let name: String
    /// How its elements are stored.
    public let elementType: ElementType
    /// The extent of every axis.
    public let shape: Shape

    /// A tensor of that name, element type and shape.
    public init(name: String, elementType: ElementType = .float32, shape: Shape) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
    }

    /// The bytes of its elements.
    public var byteCount: Int { shape.count * elementType.byteCount }
  }

  private let path: String
  private let root: String
  private let items: [Item]
  private var written = 0
  private var archive: ZipWriter

  /// Starts a checkpoint of these tensors, which replaces whatever stands at `path` only when it is finished.
  ///
  /// - Parameters:
  ///   - notes: Strings that stand beside `model`, in the order of their keys.
  ///   - durable: Wait until the file is on the disk before it replaces what is there.
  /// - Throws: `CheckpointError.torch` where a name stands twice or a note is called `model`, `.file`.
  public init(
    path: String, _ items: [Item], notes: [String: String] = [:], durable: Bool = false
  ) throws(CheckpointError) {
    guard notes[Self.modelKey] == nil else { throw .torch(path: path, .duplicateName(Self.modelKey)) }
    var names: Set<String> = []
    for item in items where !names.insert(item.name).inserted {
      throw .torch(path: path, .duplicateName(item.name))
    }
    let root = Self.root(of: path)
    archive = try filing { () throws(FileError) in
      var archive = try ZipWriter(path: path, durable: durable)
      try archive.add("\(root)/data.pkl", Self.pickle(of: items, notes: notes))
      try archive.add("\(root)/.format_version", Array("1".utf8))
      try archive.add("\(root)/.storage_alignment", Array("\(ZipMember.alignment)".utf8))
      try archive.add("\(root)/byteorder", Array("little".utf8))
      return archive
    }
    self.path = path
    self.root = root
    self.items = items
  }

  /// Writes the next tensor's elements, row-major and little-endian, in the order in which they were announced.
  ///
  /// - Throws: `CheckpointError.torch` where there is no next tensor or it takes another number of bytes, `.file`.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    try checkNext(bytes.count)
    try filing { () throws(FileError) in try archive.add("\(root)/data/\(written)", bytes) }
    written += 1
  }

  /// Writes the next tensor's elements from where they lie in another file, which are not brought into memory.
  ///
  /// - Throws: As `write`.
  public mutating func copy(_ range: Range<Int>, of file: MappedFile) throws(CheckpointError) {
    try checkNext(range.count)
    try filing { () throws(FileError) in try archive.add("\(root)/data/\(written)", range, of: file) }
    written += 1
  }

  private func checkNext(_ byteCount: Int) throws(CheckpointError) {
    guard written < items.count, items[written].byteCount == byteCount else {
      let expected = written < items.count ? items[written].byteCount : nil
      throw .torch(path: path, .storageSize(key: "\(written)", expected: expected ?? 0, found: byteCount))
    }
  }

  /// Puts the finished checkpoint in its place.
  ///
  /// - Parameter notes: What to say instead of the notes that it was started with, if anything: the same keys and
  ///   texts of the same lengths.
  /// - Throws: `CheckpointError.torch` where tensors are still to come, `.file`.
  public consuming func finish(notes: [String: String]? = nil) throws(CheckpointError) {
    guard written == items.count else { throw .torch(path: path, .missingStorage(key: "\(written)")) }
    do {
      if let notes { try archive.replaceFirst(Self.pickle(of: items, notes: notes)) }
      try archive.add("\(root)/version", Array("3\n".utf8))
      try archive.finish()
    } catch { throw .file(error) }
  }

  /// The folder within the archive: the file's name up to its last dot, or `archive` where that is not plain.
  private static func root(of path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
    let isPlain = stem.utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isLetter && byte < 0x80 || 0x30...0x39 ~= byte
        || "._-+".utf8.contains(byte)
    }
    return isPlain && stem.contains { $0 != "." } ? String(stem) : "archive"
  }

  /// How many items Python puts before it ends a run of them.
  /// Source: CPython Modules/_pickle.c, BATCHSIZE.
  private static let batch = 1000

  private static let modelKey = "model"

  /// `{"model": OrderedDict of tensors, …}`.
  static func pickle(of items: [Item], notes: [String: String] = [:]) -> [UInt8] {
    var pickle = PickleWriter()
    pickle.add(.emptyDict)
    pickle.note()
    if !notes.isEmpty { pickle.add(.mark) }
    pickle.add(modelKey)
    pickle.addOrderedDict()
    for start in stride(from: 0, to: items.count, by: batch) {
      let run = start..<min(start + batch, items.count)
      if run.count > 1 { pickle.add(.mark) }
      for index in run {
        pickle.add(items[index].name)
        pickle.add(items[index], key: index)
      }
      pickle.add(run.count > 1 ? .setItems : .setItem)
    }
    for (key, text) in notes.sorted(by: { $0.key < $1.key }) {
      pickle.add(key)
      pickle.add(text)
    }
    pickle.add(notes.isEmpty ? .setItem : .setItems)
    pickle.add(.stop)
    return pickle.bytes
  }
}

extension PickleWriter {
  /// An empty `collections.OrderedDict`.
  fileprivate mutating func addOrderedDict() {
    add(global: "collections", "OrderedDict")
    add(.emptyTuple)
    add(.reduce)
    note()
  }

  /// A tensor with the storage `key` to itself.
  /// Source: torch/_tensor.py, _reduce_ex_internal; torch/serialization.py, persistent_id.
  fileprivate mutating func add(_ item: TorchWriter.Item, key: Int) {
    let storage = PickleGlobal.storageName(of: item.elementType)
    add(global: "torch._utils", storage == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    add(.mark)
    add(.mark)
    add(constant: "storage")
    add(global: storage == nil ? "torch.storage" : "torch", storage ?? "UntypedStorage")
    add("\(key)")
    add(constant: "cpu")
    add(storage == nil ? item.byteCount : item.shape.count)
    add(.tuple)
    note()
    add(.binPersistentID)
    add(0)
    add(item.shape.extents)
    add(item.shape.torchStrides)
    add(.newFalse)
    addOrderedDict()
    if storage == nil { add(global: "torch", item.elementType.rawValue) }
    add(.tuple)
    note()
    add(.reduce)
    note()
  }
}

extension Shape {
  /// The strides that PyTorch gives a contiguous tensor: an axis without extent counts as one.
  fileprivate var torchStrides: [Int] { Shape(extents.map { max($0, 1) }).strides }
}

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
