import Files
public import Tensors

/// A weight file of any format, opened by what it holds and not by what it is called: named tensors, read when
/// asked for.
public struct Checkpoint: WeightSource {
  /// How a file holds its tensors.
  public enum Format: String, Sendable, CaseIterable {
    /// What `torch.save` writes: a zip archive, before PyTorch 1.6 pickles one after another or a tar archive.
    case torch = "pt"
    /// One JSON header, then all tensors.
    case safetensors
    /// A dataset per tensor.
    case hdf5 = "h5"
    /// Keys and values, where the tensors are, then all tensors.
    case gguf
  }

  /// Layouts of one format.
  public enum Layout: Equatable, Sendable {
    /// As the format is written today, in one file.
    case whole
    /// PyTorch's of 0.1.10 to 1.5: pickles one after another, then storages.
    case stackedPickles
    /// PyTorch's before 0.1.10: a tar archive.
    case tar
    /// So many files beside an index of their tensors.
    case shards(Int)
  }

  /// One tensor of the file.
  public struct Entry: Equatable, Sendable {
    /// The state-dict key.
    public let name: String
    /// How its elements are stored.
    public let elementType: ElementType
    /// The extent of every axis.
    public let shape: Shape
    /// Bytes of its elements, written out.
    public let byteCount: Int
    /// Whether its elements lie row-major and without gaps in the file.
    public let isContiguous: Bool
    /// How the file holds it as whole numbers with scales; nil where its elements are stored as they are.
    public var encoding: Encoding?
  }

  /// How whole numbers and scales stand for a tensor.
  public struct Encoding: Equatable, Sendable {
    /// `int8` with a scale for each output channel, `int4` with one for each 32 inputs, or GGUF's `q8_0`.
    public let name: String
    /// Bytes that numbers and scales take.
    public let byteCount: Int
  }

  /// The path it was opened by.
  public let path: String
  /// How the file holds its tensors.
  public let format: Format
  /// Every tensor's name and shape.
  public let shapes: [String: Shape]
  /// How the tensors lie in files, beside the format.
  public let layout: Layout
  let contents: any TensorContents
  /// What was opened: the file of weights, or the index of several.
  let file: MappedFile
  /// Every file of weights.
  let files: [MappedFile]
  /// The file's digest, if it was begun when the file was opened.
  let digest: BackgroundWork<String?>?
  /// Which of the file's tensors these are, and what else there is.
  public let selection: Selection
  private let numbers: [String: Int]

  /// Words that the file carries beside its tensors.
  public var metadata: [String: String] { contents.metadata }
  /// Every tensor, in the order of the file.
  public var entries: [Entry] { contents.entries }
  /// The bytes of the whole file, or of all files of weights.
  public var fileByteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }
  /// The SHA-256 of what a `.pt` file says of its parts, a line `<name>\t<bytes>\t<CRC-32>\n` for each zip entry in the
  /// order of their names; nil for other formats. It tells checkpoints apart at no cost, once their checksums were
  /// verified, but is no proof against forgery, since CRC-32 is not.
  public var directoryDigest: String? { contents.directoryDigest }

  /// Opens a `.pt`, `.pth`, `.safetensors`, `.h5` or `.gguf` file, the folder that transformers' `save_pretrained`
  /// leaves, or the index of a model in several files, and checks its structure; tensors are read later.
  ///
  /// SAM 2's tensors have their official names, whatever the file calls them; `selection` says what was done.
  ///
  /// - Parameters:
  ///   - key: Which of several models in the file to take, see `Selection.key`; nil for the likeliest.
  ///   - digesting: Begin at once to take the file's SHA-256 on another thread, for a conversion to come
  ///     that takes it: that is what it waits for longest. See `Conversion.takesWholeDigest`.
  /// - Throws: `CheckpointError`, saying why the file is refused.
  public static func open(
    path: String, key: String? = nil, limits: ReadingLimits = ReadingLimits(), digesting: Bool = false
  ) throws(CheckpointError) -> Checkpoint {
    try open(path: path, key: key, limits: limits, digesting: digesting, foreign: .named)
  }

  /// The same; a scan has every name off the allow-list refused, since what it vouches for may hold none.
  static func open(
    path: String, key: String? = nil, limits: ReadingLimits, digesting: Bool = false,
    foreign: ForeignObject.Rule
  ) throws(CheckpointError) -> Checkpoint {
    let path = try ModelFolder.weights(at: path)
    let file = try filing { () throws(FileError) in try MappedFile(path: path) }
    let source = try SourceFiles(file)
    let digest = digesting && source.takesWholeDigest ? BackgroundWork(digesting: source.files) : nil
    do {
      let read = try source.read(key: key, limits: limits, foreign: foreign)
      var selection = read.selection
      if let part = ShardIndex.part(ofName: path), source.layout == .whole {
        selection.leftOut.append(
          "the other \(part.count - 1) of the model's \(part.count) files: give the folder, or the index beside them"
        )
      }
      let official = try OfficialNames(read.contents, selection: selection, key: read.remainingKey, path: path)
      return Checkpoint(
        path: path, format: source.format, layout: source.layout, contents: official.contents, file: file,
        files: source.files, digest: digest, selection: official.selection)
    } catch {
      digest?.cancel()
      throw error
    }
  }

  init(
    path: String, format: Format, layout: Layout, contents: any TensorContents, file: MappedFile,
    files: [MappedFile], digest: BackgroundWork<String?>?, selection: Selection
  ) {
    self.path = path
    self.format = format
    self.layout = layout
    self.contents = contents
    self.file = file
    self.files = files
    self.digest = digest
    self.selection = selection
    let names = contents.entries.enumerated().map { ($0.element.name, $0.offset) }
    numbers = Dictionary(names) { first, _ in first }
    shapes = Dictionary(contents.entries.map { ($0.name, $0.shape) }) { first, _ in first }
  }

  /// The same file with its tensors otherwise: under other names, or rounded.
  func with(_ contents: any TensorContents) -> Checkpoint {
    Checkpoint(
      path: path, format: format, layout: layout, contents: contents, file: file, files: files, digest: digest,
      selection: selection)
  }

  /// Whether it holds weights as whole numbers.
  public var holdsWholeNumbers: Bool { entries.contains { $0.encoding != nil } }

  func number(of name: String) -> Int? { numbers[name] }

  /// The entry of that name.
  public subscript(name: String) -> Entry? { numbers[name].map { entries[$0] } }

  /// The bytes of one tensor, row-major and little-endian: a part of the mapped file where it lies so there,
  /// else a copy of that one tensor.
  ///
  /// - Throws: `CheckpointError.missingTensor`, or what the bytes are refused for, such as a wrong checksum.
  public func bytes(of name: String) throws(CheckpointError) -> TensorBytes {
    guard let index = numbers[name] else { throw .missingTensor(path: path, name: name) }
    return try contents.bytes(at: index)
  }

  /// Verifies every checksum that the format has.
  ///
  /// - Throws: `CheckpointError`, naming the first part that is broken.
  public func verify() throws(CheckpointError) { try contents.verify() }

  /// The path.
  public var origin: String { path }

  /// The tensor of that name in the type in which it is stored: a view of the mapped file where it lies there row-major and
  /// aligned, else a copy. `float32(_:)` converts it.
  ///
  /// - Throws: `CheckpointError.missingTensor`, or what its bytes are refused for.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = self[name] else { throw CheckpointError.missingTensor(path: path, name: name) }
    return Tensor(try bytes(of: name), entry.elementType, entry.shape)
  }

  /// The whole numbers that the tensor of that name is stored as; nil where it isn't.
  ///
  /// - Throws: `CheckpointError.missingTensor`, or what its numbers are refused for.
  public func quantized(_ name: String) throws -> StoredWeight? {
    guard let index = numbers[name] else { throw CheckpointError.missingTensor(path: path, name: name) }
    return try contents.wholeNumbers(at: index)
  }
}

/// What a format's reader supplies.
protocol TensorContents: Sendable {
  var entries: [Checkpoint.Entry] { get }
  var metadata: [String: String] { get }
  /// See `Checkpoint.directoryDigest`.
  var directoryDigest: String? { get }
  /// The verified bytes of one entry, row-major and little-endian.
  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes
  /// The whole numbers of one entry that has an encoding; what `bytes(at:)` returns is what they stand for.
  func wholeNumbers(at index: Int) throws(CheckpointError) -> StoredWeight?
  /// Where in the file these bytes lie as they are, not verified; nil where they have to be made.
  func place(at index: Int) -> Range<Int>?
  /// Compares the checksum of the bytes at an entry's place with what the file says of them, if it says it of them alone.
  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError)
  /// Verifies the checksums of what lies in the file as it is, until `isCancelled`.
  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError)
  /// Verifies every checksum that the format has.
  func verify() throws(CheckpointError)
  /// Verifies what reading all tensors leaves out.
  func verifyUnread() throws(CheckpointError)
}

extension TensorContents {
  var directoryDigest: String? { nil }
  func place(at index: Int) -> Range<Int>? { nil }
  func wholeNumbers(at index: Int) throws(CheckpointError) -> StoredWeight? { nil }
  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {}
  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) {}
  func verifyUnread() throws(CheckpointError) {}
}
