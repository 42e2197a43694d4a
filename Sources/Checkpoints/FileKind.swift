import Files

/// What a file is, by its content and not by its name.
enum FileKind: Equatable {
  /// `torch.save` since PyTorch 1.6.
  case zip
  /// `torch.save` from 0.1.10 to 1.5.
  case stackedPickles
  /// `torch.save` before 0.1.10, or somebody's tar archive.
  case tar
  case safetensors
  case hdf5
  case gguf
  /// The index of a model in several files.
  case shardIndex

  /// What a checkpoint of this kind calls its format; nil where the files beside it say that.
  var format: Checkpoint.Format? {
    switch self {
    case .zip, .stackedPickles, .tar: .torch
    case .safetensors: .safetensors
    case .hdf5: .hdf5
    case .gguf: .gguf
    case .shardIndex: nil
    }
  }

  /// What a file's bytes say that it is.
  ///
  /// - Throws: `CheckpointError.unknownFormat`, which names what it is instead and what to do.
  init(of file: MappedFile) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    if view.integer(UInt32.self, at: 0) == 0x0403_4b50 || view.integer(UInt32.self, at: 0) == 0x0605_4b50 {
      self = .zip
    } else if view.integer(UInt64.self, at: 0) == Self.hdf5Signature {
      self = .hdf5
    } else if view.integer(UInt32.self, at: 0) == GGUFTypes.magic {
      // Before safetensors, whose brace may stand where GGUF counts its tensors.
      self = .gguf
    } else if ShardIndex.begins(view) {
      self = .shardIndex
    } else if Self.beginsSafetensors(view) {
      self = .safetensors
    } else if TarArchive.begins(view) {
      self = .tar
    } else if StackedPickles.begin(view) {
      self = .stackedPickles
    } else if Self.userBlock(of: view) != nil {
      self = .hdf5
    } else {
      throw .unknownFormat(path: file.path, found: ForeignContent.words(for: view, path: file.path))
    }
  }

  /// Its 8 bytes as a number.
  static let hdf5Signature: UInt64 = 0x0a1a_0a0d_4644_4889

  /// Bytes before the signature of an HDF5 file that begins with something else: 512, or that doubled any number of times.
  /// Source: HDF5 File Format Specification, II.A, the superblock.
  static func userBlock(of view: ByteView) -> Int? {
    var offset = 512
    while let found: UInt64 = view.integer(at: offset) {
      if found == hdf5Signature { return offset }
      let (next, overflow) = offset.multipliedReportingOverflow(by: 2)
      if overflow { return nil }
      offset = next
    }
    return nil
  }

  /// The brace of a header behind its length; not that of a text, whose first letters would be a length beyond all files.
  private static func beginsSafetensors(_ view: ByteView) -> Bool {
    guard view.integer(UInt8.self, at: 8) == 0x7b else { return false }
    let isText = view.bytes.prefix(8).allSatisfy { 0x20..<0x7f ~= $0 || [0x09, 0x0a, 0x0d].contains($0) }
    return !isText
      && (userBlock(of: view) == nil || (view.integer(UInt64.self, at: 0) ?? 0) < UInt64(view.count))
  }
}
