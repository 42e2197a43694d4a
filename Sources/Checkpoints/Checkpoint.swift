import Files
public import Tensors

/// A weight file of any format, opened by what it holds and not by what it is called: named tensors, read when
/// asked for.
public struct Checkpoint: WeightSource {
  /// How a file holds its tensors.
  public enum Format: String, Sendable, CaseIterable {
    /// A zip archive by `torch.save`, PyTorch 1.6 or later.
    case torch = "pt"
    /// One JSON header, then all tensors.
    case safetensors
    /// A dataset per tensor.
    case hdf5 = "h5"
    /// Keys and values, where the tensors are, then all tensors.
    case gguf
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
  let contents: any TensorContents
  let file: MappedFile
  /// The file's digest, if it was begun when the file was opened.
  let digest: BackgroundWork<String?>?
  /// Which of the file's tensors these are, and what else there is.
  public let selection: Selection
  private let numbers: [String: Int]

  /// Words that the file carries beside its tensors.
  public var metadata: [String: String] { contents.metadata }
  /// Every tensor, in the order of the file.
  public var entries: [Entry] { contents.entries }
  /// The bytes of the whole file.
  public var fileByteCount: Int { file.bytes.count }
  /// The SHA-256 of what a `.pt` file says of its parts, a line `<name>\t<bytes>\t<CRC-32>\n` for each zip entry in the
  /// order of their names; nil for other formats. It tells checkpoints apart at no cost, once their checksums were
  /// verified, but is no proof against forgery, since CRC-32 is not.
  public var directoryDigest: String? { contents.directoryDigest }

  /// Opens a `.pt`, `.pth`, `.safetensors`, `.h5` or `.gguf` file, or the folder that transformers' `save_pretrained`
  /// leaves, and checks its structure; tensors are read later.
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
    let path = try ModelFolder.weights(at: path)
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    let format = try Format(of: file)
    let isDigested = digesting && Conversion.takesWholeDigest(of: format, byteCount: file.bytes.count)
    let digest = isDigested ? BackgroundWork(digesting: file) : nil
    do {
      var (selection, prefix) = (Selection(), key)
      let contents: any TensorContents
      switch format {
      case .torch:
        let archive = try TorchArchive(file, limits: limits, key: key)
        (contents, selection, prefix) = (archive, archive.selection, archive.remainingKey)
      case .safetensors:
        let stored = try SafetensorsFile(file, limits: limits)
        contents = try WholeNumberContents(stored, path: path) ?? stored
      case .hdf5: contents = try HDF5Weights(file, limits: limits)
      case .gguf: contents = try GGUFFile(file, limits: limits)
      }
      let official = try OfficialNames(contents, selection: selection, key: prefix, path: path)
      return Checkpoint(
        path: path, format: format, contents: official.contents, file: file, digest: digest,
        selection: official.selection)
    } catch {
      digest?.cancel()
      throw error
    }
  }

  init(
    path: String, format: Format, contents: any TensorContents, file: MappedFile,
    digest: BackgroundWork<String?>?,
    selection: Selection
  ) {
    self.path = path
    self.format = format
    self.contents = contents
    self.file = file
    self.digest = digest
    self.selection = selection
    let names = contents.entries.enumerated().map { ($0.element.name, $0.offset) }
    numbers = Dictionary(names) { first, _ in first }
    shapes = Dictionary(contents.entries.map { ($0.name, $0.shape) }) { first, _ in first }
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

extension Checkpoint.Format {
  /// The format that a file's content says it has.
  ///
  /// - Throws: `CheckpointError.legacyTorch` for PyTorch's old layouts, `.unknownFormat` for anything else.
  init(of file: MappedFile) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    if view.integer(UInt32.self, at: 0) == 0x0403_4b50 || view.integer(UInt32.self, at: 0) == 0x0605_4b50 {
      self = .torch
    } else if view.integer(UInt64.self, at: 0) == 0x0a1a_0a0d_4644_4889 {
      self = .hdf5
    } else if view.integer(UInt32.self, at: 0) == GGUFTypes.magic {
      // Before safetensors, whose brace may stand where GGUF counts its tensors.
      self = .gguf
    } else if view.integer(UInt8.self, at: 8) == 0x7b {
      self = .safetensors
    } else if view.has("ustar", at: 257) {
      throw .legacyTorch(path: file.path, layout: "tar")
    } else if view.integer(UInt8.self, at: 0) == 0x80,
      [4, 13].contains(where: { view.slice(at: $0, count: 10)?.elementsEqual(Self.magic) == true })
    {
      throw .legacyTorch(path: file.path, layout: "stacked pickle")
    } else {
      throw .unknownFormat(path: file.path, found: Self.summary(of: view))
    }
  }

  /// The integer 0x1950a86a20f9469cfc6c, pickled, which opened PyTorch's files before 1.6 after `PROTO n LONG1 10`,
  /// or from protocol 4 on after `PROTO n FRAME length LONG1 10`.
  /// Source: torch/serialization.py, MAGIC_NUMBER.
  private static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

  private static func summary(of view: ByteView) -> String {
    guard view.count > 0 else { return "an empty file" }
    if view.integer(UInt8.self, at: 0) == 0x80 { return "a bare pickle" }
    let first = view.bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return "a file of \(view.count) bytes that begins with \(first)"
  }
}
