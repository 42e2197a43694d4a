import Files
import Tensors

/// A checkpoint as `torch.save` writes it since 1.6: a zip of one pickle and one entry per storage.
/// Source: torch/serialization.py, _save and _load; caffe2/serialize/inline_container.cc.
struct TorchArchive: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let archive: ZipArchive
  private let tensors: [TorchTensor]
  /// The entry of each tensor's storage.
  private let storages: [ZipEntry]
  /// Where in the pickle the tensors stand.
  let selection: Selection
  /// What is left of the key that was asked for: a prefix of names.
  let remainingKey: String?

  /// Reads the pickle and checks every tensor against its storage's entry; storages are read when asked for.
  init(
    _ file: MappedFile, limits: ReadingLimits, key: String? = nil, foreign: ForeignObject.Rule = .named
  ) throws(CheckpointError) {
    let path = file.path
    let archive = try naming(path, CheckpointError.zip) { () throws(ZipError) in
      try ZipArchive(file, limits: limits)
    }
    let root = try naming(path, CheckpointError.torch) { () throws(TorchError) in try Self.root(of: archive) }
    let order = try Self.small(archive, "\(root)/byteorder", limit: 16) { size in
      .torch(path: path, .byteOrder(found: "\(size) bytes"))
    }
    if let order, !order.elementsEqual("little".utf8) {
      throw .torch(path: path, .byteOrder(found: String(decoding: order, as: UTF8.self)))
    }
    let pickle = try Self.small(archive, "\(root)/data.pkl", limit: limits.pickleBytes) { size in
      .pickle(path: path, .tooLong(byteCount: size, limit: limits.pickleBytes))
    }
    let contents = try naming(path, CheckpointError.pickle) { () throws(PickleError) in
      try PickleMachine.contents(of: pickle ?? [], limits: limits, foreign: foreign)
    }
    let state = try StateDict(contents, path: path, key: key, limits: limits)
    storages = try naming(path, CheckpointError.torch) { () throws(TorchError) in
      try Self.storages(of: state, archive, root: root, limits)
    }
    selection = state.selection
    remainingKey = state.remainingKey
    self.archive = archive
    tensors = state.tensors.map(\.tensor)
    metadata = state.notes
    entries = state.entries
  }

  /// The folder that all entries share.
  private static func root(of archive: ZipArchive) throws(TorchError) -> String {
    let names = archive.directory.entries.map(\.name)
    let pickles = names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard pickles.count <= 1 else { throw .secondPickle(pickles) }
    guard let pickle = pickles.first, case let parts = pickle.split(separator: "/"), parts.count == 2 else {
      throw .noPickle(found: ForeignContent.archiveWords(names, "a zip archive", command: "unzip"))
    }
    let root = String(parts[0])
    let (folder, constants, code) = ("\(root)/", "\(root)/constants.pkl", "\(root)/code/")
    for name in names {
      guard name.hasPrefix(folder) else { throw .twoRoots(root, name) }
      if name == constants || name.hasPrefix(code) { throw .torchScript(entry: name) }
    }
    return root
  }

  /// A whole entry copied, or nil where there is none; `refuse` says what to throw at one above `limit` bytes.
  private static func small(
    _ archive: ZipArchive, _ name: String, limit: Int, _ refuse: (Int) -> CheckpointError
  ) throws(CheckpointError) -> [UInt8]? {
    guard let entry = archive.directory[name] else { return nil }
    guard entry.size <= limit else { throw refuse(entry.size) }
    return try naming(archive.file.path, CheckpointError.zip) { () throws(ZipError) in
      try archive.bytes(of: entry).withBytes { Array($0) }
    }
  }

  /// The entries that the tensors lie in, all as large as the pickle says.
  private static func storages(
    of state: StateDict, _ archive: ZipArchive, root: String, _ limits: ReadingLimits
  ) throws(TorchError) -> [ZipEntry] {
    try state.checkViews(fileBytes: archive.file.bytes.count, limits)
    var entries: [ZipEntry] = []
    for (_, tensor) in state.tensors {
      let storage = tensor.storage
      guard let entry = archive.directory["\(root)/data/\(storage.key)"] else {
        throw .missingStorage(key: storage.key)
      }
      guard entry.size == storage.byteCount else {
        throw .storageSize(key: storage.key, expected: storage.byteCount, found: entry.size)
      }
      entries.append(entry)
    }
    return entries
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let (tensor, entry) = (tensors[index], storages[index])
    let storage = try naming(archive.file.path, CheckpointError.zip) { () throws(ZipError) in
      try archive.bytes(of: entry)
    }
    if tensor.byteCount == 0 { return TensorBytes(ByteBlock(count: 0)) }
    return tensor.isContiguous
      ? storage.part(at: tensor.byteOffset, count: tensor.byteCount) : gathered(tensor, from: storage)
  }

  func place(at index: Int) -> Range<Int>? {
    let (tensor, entry) = (tensors[index], storages[index])
    guard tensor.isContiguous, !entry.isDeflated else { return nil }
    let start = entry.dataOffset + tensor.byteOffset
    return start..<start + tensor.byteCount
  }

  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {
    let entry = storages[index]
    guard place(at: index) == entry.dataOffset..<entry.dataEnd else { return }
    try naming(archive.file.path, CheckpointError.zip) { () throws(ZipError) in
      try archive.check(checksum, of: entry)
    }
  }

  var directoryDigest: String? { archive.directory.digest }

  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) {
    try naming(archive.file.path, CheckpointError.zip) { () throws(ZipError) in
      try archive.verifyStored(isCancelled)
    }
  }

  func verify() throws(CheckpointError) {
    try naming(archive.file.path, CheckpointError.zip) { () throws(ZipError) in try archive.verify() }
  }

  func verifyUnread() throws(CheckpointError) { try verify() }
}

/// Why an archive that is a proper zip is no usable torch checkpoint.
public enum TorchError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No entry `<root>/data.pkl`, but what `found` says.
  case noPickle(found: String)
  /// More than one `data.pkl`.
  case secondPickle([String])
  /// Entries under different folders.
  case twoRoots(String, String)
  /// An archive of TorchScript: a program, not only data.
  case torchScript(entry: String)
  /// A byte order other than little.
  case byteOrder(found: String)
  /// A storage without an entry.
  case missingStorage(key: String)
  /// A storage whose entry holds another number of bytes than its elements take.
  case storageSize(key: String, expected: Int?, found: Int)
  /// No state dict was found.
  case noStateDict(found: String)
  /// Tensors that only objects of classes off the allow-list hold.
  case tensorsInObjects(found: String, names: [String])
  /// A state dict's item that is no tensor.
  case notATensor(name: String, found: String)
  /// A name that two tensors to be written share.
  case duplicateName(String)
  /// A part of a file from before PyTorch 1.6 that is not as it was written then.
  case legacy(part: String, expected: String, found: String)
  /// A pickle of such a file that is refused.
  case legacyPickle(part: String, PickleError)
  /// A file that ends before what it announces does.
  case cutShort(part: String, fileLength: Int)
  /// Views that stand for more bytes than the reading limits allow.
  case viewBomb(name: String, limit: Int)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .noPickle(let found): "expected a torch archive with data.pkl, found \(found)"
    case .secondPickle(let names):
      "expected one data.pkl, found \(names.map { "'\($0)'" }.joined(separator: ", "))"
    case .twoRoots(let first, let second):
      "expected all entries in one folder, found '\(first)' and '\(second)'"
    case .torchScript(let entry):
      "expected a torch.save checkpoint, found TorchScript ('\(entry)'): resave its tensors in PyTorch "
        + "with torch.save(torch.jit.load(path).state_dict(), new_path)"
    case .byteOrder(let found): "expected byte order 'little', found '\(found)'"
    case .missingStorage(let key): "expected an entry data/\(key) for storage \(key), found none"
    case .storageSize(let key, let expected, let found):
      "expected storage \(key) to hold \(expected.map { "\($0)" } ?? "more than 2^63") bytes, found \(found)"
    case .noStateDict(let found):
      "expected a state dict, bare or under a key such as 'model' or 'state_dict', found \(found)"
    case .tensorsInObjects(let found, let names):
      "expected a state dict, found \(found), whose tensors only code beside the file can tell "
        + "(\(names.listed(4))): save model.state_dict() in PyTorch"
    case .notATensor(let name, let found): "expected '\(name)' of the state dict to be a tensor, found \(found)"
    case .duplicateName(let name): "expected every tensor's name once, found '\(name)' twice"
    case .legacy(let part, let expected, let found): "\(part): expected \(expected), found \(found)"
    case .legacyPickle(let part, let error): "\(part): \(error)"
    case .cutShort(let part, let length):
      "expected \(part), found the file's end after \(length) bytes: it is cut short, fetch it again"
    case .viewBomb(let name, let limit):
      "expected tensors of at most \(limit) bytes together, found more from '\(name)' on"
    }
  }
}
