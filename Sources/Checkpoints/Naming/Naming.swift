import Tensors

/// How a file calls SAM 2's tensors.
public enum Naming: String, Sendable, CaseIterable {
  /// As the official code does: `image_encoder.trunk.blocks.0.attn.qkv.weight`.
  case meta
  /// As Hugging Face's transformers does: `vision_encoder.backbone.blocks.0.attn.qkv.weight`.
  case transformers

  /// A tensor that every SAM 2 model has, whatever its size.
  var landmark: String {
    switch self {
    case .meta: "image_encoder.trunk.pos_embed"
    case .transformers: "vision_encoder.backbone.pos_embed"
    }
  }
}

/// Why tensors can't be found, or can't be called as asked.
public enum NamingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing in the file goes by that key.
  case noCandidate(key: String, available: [String])
  /// Two tensors of the file would have the same name.
  case clash(name: String, first: String, second: String)
  /// Tensors that the naming has no name for.
  case noCounterpart(names: [String], naming: Naming)
  /// Two tensors that are the same one by definition, and hold different numbers.
  case unequalCopies(String, String)
  /// Tensors that one tensor is made of, and that don't fit together.
  case unjoinable(name: String, found: String)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .noCandidate(let key, let available):
      "expected one of the keys \(Self.list(available)), found '\(key)'"
    case .clash(let name, let first, let second):
      "expected one tensor to become '\(name)', found '\(first)' and '\(second)'"
    case .noCounterpart(let names, let naming):
      "expected tensors that \(naming.rawValue) naming has a name for, found \(Self.list(names))"
    case .unequalCopies(let first, let second):
      "expected '\(first)' and '\(second)' to be equal, bit for bit; they are not"
    case .unjoinable(let name, let found): "expected '\(name)' in rows of equal type and length, found \(found)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.map { "'\($0)'" }.listed(6)
  }
}

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

  func wholeNumbers(at index: Int) throws(CheckpointError) -> StoredWeight? {
    guard case .whole(let other) = origins[index] else { return nil }
    return try stored.wholeNumbers(at: other)
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
      name: name, elementType: elementType, shape: shape, byteCount: byteCount, isContiguous: isContiguous,
      encoding: encoding)
  }
}
