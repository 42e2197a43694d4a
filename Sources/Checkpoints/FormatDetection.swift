import Files

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
