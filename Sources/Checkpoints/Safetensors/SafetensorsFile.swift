import Files

/// A safetensors file, read in place. The format has no checksums: its structure is all that can be verified.
struct SafetensorsFile: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let file: MappedFile
  private let bufferOffset: Int
  private let records: [SafetensorsHeader.Record]

  init(_ file: MappedFile, limits: ReadingLimits) throws(CheckpointError) {
    // The file must outlive the view of its bytes.
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    let declared = view.integer(UInt64.self, at: 0) ?? 0
    let limit = limits.safetensorsHeader
    guard declared <= UInt64(limit) else {
      throw .safetensors(path: file.path, .headerLength(declared: declared, limit: limit))
    }
    guard let bytes = view.slice(at: 8, count: Int(declared)) else {
      throw .safetensors(path: file.path, .truncatedHeader(declared: declared, fileLength: view.count))
    }
    let offset = 8 + bytes.count
    let header = try naming(file.path, CheckpointError.safetensors) { () throws(SafetensorsError) in
      try SafetensorsHeader(Array(bytes), bufferLength: view.count - offset, limits: limits)
    }
    self.file = file
    bufferOffset = offset
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
    let whole = TensorBytes(file.bytes, owner: file)
    return whole.part(at: bufferOffset + range.lowerBound, count: range.count)
  }

  func place(at index: Int) -> Range<Int>? {
    let range = records[index].range
    return bufferOffset + range.lowerBound..<bufferOffset + range.upperBound
  }

  func verify() throws(CheckpointError) {}
}
