import Files
import Tensors

/// A checkpoint as `torch.save` wrote it before PyTorch 1.6: pickles, then storages as they are, without checksums.
/// `StackedPickles` and `TarredPickles` say where everything is.
struct LegacyTorch: TensorContents {
  /// What either layout comes to.
  struct Layout {
    let contents: PickleContents
    /// Where in the file each storage begins, by its key.
    let storages: [String: Int]
  }

  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  let selection: Selection
  /// What is left of the key that was asked for: a prefix of names.
  let remainingKey: String?
  private let file: MappedFile
  private let tensors: [TorchTensor]
  /// Where in the file each tensor's storage begins.
  private let starts: [Int]

  init(
    _ file: MappedFile, _ layout: Layout, limits: ReadingLimits, key: String?
  ) throws(CheckpointError) {
    let state = try StateDict(layout.contents, path: file.path, key: key, limits: limits)
    starts = try naming(file.path, CheckpointError.torch) { () throws(TorchError) in
      try state.checkViews(fileBytes: file.bytes.count, limits)
      var starts: [Int] = []
      for (_, tensor) in state.tensors {
        let storage = tensor.storage
        guard let start = layout.storages[storage.key] else { throw .missingStorage(key: storage.key) }
        // A view lies within its storage, which lies within the file.
        starts.append(start + storage.start * (storage.elementType?.byteCount ?? 1))
      }
      return starts
    }
    self.file = file
    tensors = state.tensors.map(\.tensor)
    entries = state.entries
    metadata = state.notes
    selection = state.selection
    remainingKey = state.remainingKey
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let (tensor, whole) = (tensors[index], TensorBytes(file.bytes, owner: file))
    if tensor.byteCount == 0 { return TensorBytes(ByteBlock(count: 0)) }
    if let place = place(at: index) { return whole.part(at: place.lowerBound, count: place.count) }
    return gathered(tensor, from: whole.part(at: starts[index], count: tensor.storage.byteCount ?? 0))
  }

  func place(at index: Int) -> Range<Int>? {
    let tensor = tensors[index]
    guard tensor.isContiguous else { return nil }
    let start = starts[index] + tensor.byteOffset
    return start..<start + tensor.byteCount
  }

  func verify() throws(CheckpointError) {}
}

/// The layout of PyTorch 0.1.10 to 1.5: a magic number, a version, what wrote it, the value and the keys of its storages,
/// a pickle each; then for each key the number of its elements and these.
/// Source: torch/serialization.py, _legacy_save and _legacy_load.
enum StackedPickles {
  /// The integer 0x1950a86a20f9469cfc6c in its pickle, after `LONG1 10`.
  /// Source: torch/serialization.py, MAGIC_NUMBER.
  static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
  private static let version = 1001

  /// Whether a file begins with the magic number: after `PROTO n LONG1 10`, or from protocol 4 on after
  /// `PROTO n FRAME length LONG1 10`.
  static func begin(_ view: ByteView) -> Bool {
    view.integer(UInt8.self, at: 0) == PickleOpcode.proto.rawValue
      && [4, 13].contains { view.slice(at: $0, count: magic.count)?.elementsEqual(magic) == true }
  }

  static func layout(
    of view: ByteView, limits: ReadingLimits, foreign: ForeignObject.Rule
  ) throws(TorchError) -> LegacyTorch.Layout {
    var cursor = LegacyCursor(view, limits: limits)
    guard try cursor.value("the magic number") == .largeInt(magic) else {
      throw .legacy(part: "the magic number", expected: "PyTorch's", found: "another one")
    }
    let version = try cursor.value("the format's version")
    guard version == .int(Self.version) else {
      throw .legacy(part: "the format's version", expected: "\(Self.version)", found: version.kind)
    }
    try checkSystem(try cursor.value("what wrote the file"))
    let contents = try cursor.contents("the saved value", foreign: foreign, persistent: .stacked)
    guard case .list(let keys) = try cursor.value("the storages' keys") else {
      throw .legacy(part: "the storages' keys", expected: "a list", found: "something else")
    }
    var storages: [String: Int] = [:]
    for key in keys {
      guard case .string(let key) = key, let storage = contents.storages[key] else {
        throw .legacy(part: "the storages' keys", expected: "keys that the saved value has", found: key.kind)
      }
      guard storages.updateValue(try cursor.skip(storage), forKey: key) == nil else {
        throw .legacy(part: "the storages' keys", expected: "every key once", found: "'\(key)' twice")
      }
    }
    guard cursor.remaining == 0 else {
      throw .legacy(
        part: "the last storage", expected: "the file's end behind it", found: "\(cursor.remaining) more bytes")
    }
    return LegacyTorch.Layout(contents: contents, storages: storages)
  }

  /// Numbers of big-endian machines were written as they are there.
  static func checkSystem(_ value: PickleValue) throws(TorchError) {
    guard value.pairs != nil else {
      throw .legacy(part: "what wrote the file", expected: "a dict", found: value.kind)
    }
    if let order = value["little_endian"], order != .bool(true) { throw .byteOrder(found: "big") }
  }
}
