import Files

/// A GGUF file of version 3, read in place. The format has no checksums: its structure is all that can be verified.
struct GGUFFile: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let file: MappedFile
  private let records: [GGUFHeader.Record]

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let header = try naming(file.path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFHeader(file.bytes, limits: limits)
    }
    self.file = file
    records = header.records
    metadata = header.metadata
    entries = header.records.map {
      Checkpoint.Entry(
        name: $0.name, elementType: $0.elementType, shape: $0.shape, byteCount: $0.range.count,
        isContiguous: true)
    }
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let range = records[index].range
    return TensorBytes(file.bytes, owner: file).part(at: range.lowerBound, count: range.count)
  }

  func place(at index: Int) -> Range<Int>? { records[index].range }

  func verify() throws(CheckpointError) {}
}
