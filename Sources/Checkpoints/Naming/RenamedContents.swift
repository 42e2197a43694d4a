/// Another file's tensors under other names, some of them made of several or out of a part of one; what is not
/// named is left out.
struct RenamedContents: TensorContents {
  /// Where a tensor's bytes come from.
  enum Origin: Sendable {
    /// A stored tensor as it is.
    case whole(Int)
    /// Bytes of a stored tensor from an offset on.
    case part(Int, offset: Int)
    /// Several stored tensors, one behind the other.
    case joined([Int])
  }

  let entries: [Checkpoint.Entry]
  private let origins: [Origin]
  private let stored: any TensorContents

  init(_ stored: any TensorContents, _ tensors: [(entry: Checkpoint.Entry, origin: Origin)]) {
    self.stored = stored
    entries = tensors.map(\.entry)
    origins = tensors.map(\.origin)
  }

  var metadata: [String: String] { stored.metadata }
  var directoryDigest: String? { stored.directoryDigest }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    switch origins[index] {
    case .whole(let other): return try stored.bytes(at: other)
    case .part(let other, let offset):
      return try stored.bytes(at: other).part(at: offset, count: entries[index].byteCount)
    case .joined(let others):
      let block = ByteBlock(count: entries[index].byteCount)
      var offset = 0
      for other in others {
        let bytes = try stored.bytes(at: other)
        bytes.withBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: block.bytes[offset..<offset + source.count])
            .copyMemory(from: source)
        }
        offset += bytes.count
      }
      return TensorBytes(block)
    }
  }

  func place(at index: Int) -> Range<Int>? {
    switch origins[index] {
    case .whole(let other): return stored.place(at: other)
    case .part(let other, let offset):
      guard let start = stored.place(at: other)?.lowerBound else { return nil }
      return start + offset..<start + offset + entries[index].byteCount
    case .joined: return nil
    }
  }

  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {
    // A part's checksum is nobody's; what it is a part of is verified with what nobody read.
    if case .whole(let other) = origins[index] { try stored.confirm(checksum, at: other) }
  }

  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) { try stored.verifyPlaces(isCancelled) }
  func verify() throws(CheckpointError) { try stored.verify() }
  func verifyUnread() throws(CheckpointError) { try stored.verifyUnread() }
}

extension Checkpoint.Entry {
  /// The same tensor under another name.
  func renamed(_ name: String) -> Checkpoint.Entry {
    Checkpoint.Entry(
      name: name, elementType: elementType, shape: shape, byteCount: byteCount, isContiguous: isContiguous)
  }
}
