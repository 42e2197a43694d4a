/// Why a zip archive is refused.
public enum ZipError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No end-of-central-directory record was found.
  case noDirectory
  /// Bytes follow the archive, or stand in its comment.
  case trailingData(byteCount: Int)
  /// The archive claims to span several disks.
  case multiDisk
  /// The central directory lies outside the file.
  case directoryOutside(offset: UInt64, size: UInt64, end: UInt64)
  /// A zip64 record is missing, cut short, or says something else than the record it extends.
  case zip64(field: String, expected: UInt64, found: UInt64)
  /// A record does not begin with its signature.
  case signature(record: String, offset: Int, found: UInt32?)
  /// The directory holds another number of entries than declared.
  case entryCount(expected: Int, found: Int)
  /// More entries than the reading limits allow.
  case tooManyEntries(found: UInt64, limit: Int)
  /// A name that is absolute, climbs, or is no plain path.
  case unsafeName(String)
  /// Two entries of one name.
  case duplicateName(String)
  /// The local header names another entry than the directory.
  case nameMismatch(central: String, local: String)
  /// The local header contradicts the directory.
  case headerMismatch(name: String, field: String, central: UInt64, local: UInt64)
  /// The encryption flag is set.
  case encrypted(name: String)
  /// A compression method other than stored and deflated.
  case method(name: String, found: Int)
  /// An entry that leaves the file's data area.
  case entryOutside(name: String, offset: UInt64, size: UInt64, end: Int)
  /// Two entries that share bytes.
  case overlap(String, String)
  /// Bytes that belong to no entry.
  case hiddenBytes(offset: Int, byteCount: Int)
  /// A stored entry whose two sizes differ.
  case storedSize(name: String, compressed: Int, uncompressed: Int)
  /// An entry that would inflate beyond the reading limits.
  case deflateBomb(name: String, compressed: Int, declared: Int, limit: Int)
  /// An entry that inflates to another size than declared.
  case inflatedSize(name: String, expected: Int, found: Int)
  /// An entry whose deflated bytes are broken.
  case inflation(name: String, reason: String)
  /// An entry whose bytes do not have the declared checksum.
  case checksum(name: String, expected: UInt32, found: UInt32)
  /// An entry whose bytes can't be read.
  case unreadable(name: String, reason: String)
  /// libzip finds the archive inconsistent.
  case inconsistent(reason: String)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .noDirectory: "expected a zip directory at the end of the file, found none"
    case .trailingData(let count): "expected the archive to end the file, found \(count) bytes behind it"
    case .multiDisk: "expected an archive on one disk, found one that claims several"
    case .directoryOutside(let offset, let size, let end):
      "expected the zip directory to end at byte \(end), found \(size) bytes from \(offset)"
    case .zip64(let field, let expected, let found):
      "expected the zip64 \(field) to be \(expected), found \(found)"
    case .signature(let record, let offset, let found):
      "expected a \(record) at byte \(offset), found \(found.map { "0x" + hex($0) } ?? "the end")"
    case .entryCount(let expected, let found): "expected \(expected) zip entries, found \(found)"
    case .tooManyEntries(let found, let limit): "expected at most \(limit) zip entries, found \(found)"
    case .unsafeName(let name): "expected a plain relative entry name, found '\(name)'"
    case .duplicateName(let name): "expected one entry '\(name)', found two"
    case .nameMismatch(let central, let local):
      "expected the local header of '\(central)' to bear its name, found '\(local)'"
    case .headerMismatch(let name, let field, let central, let local):
      "expected the local \(field) of '\(name)' to be \(central) as in the directory, found \(local)"
    case .encrypted(let name): "expected plain entries, found the encryption flag on '\(name)'"
    case .method(let name, let found):
      "expected '\(name)' stored (0) or deflated (8), found compression method \(found)"
    case .entryOutside(let name, let offset, let size, let end):
      "expected '\(name)' to end before byte \(end), found \(size) bytes from \(offset)"
    case .overlap(let first, let second): "expected entries apart, found '\(first)' and '\(second)' overlapping"
    case .hiddenBytes(let offset, let count):
      "expected every byte to belong to an entry, found \(count) that don't at byte \(offset)"
    case .storedSize(let name, let compressed, let uncompressed):
      "expected stored '\(name)' to have one size, found \(compressed) and \(uncompressed) bytes"
    case .deflateBomb(let name, let compressed, let declared, let limit):
      "expected '\(name)' to inflate to at most \(limit) bytes, found \(compressed) bytes that declare \(declared)"
    case .inflatedSize(let name, let expected, let found):
      "expected '\(name)' to inflate to \(expected) bytes, found \(found)"
    case .inflation(let name, let reason): "expected '\(name)' to inflate, found: \(reason)"
    case .checksum(let name, let expected, let found):
      "expected CRC-32 \(hex(expected)) of '\(name)', found \(hex(found))"
    case .unreadable(let name, let reason): "expected to read '\(name)', found that \(reason)"
    case .inconsistent(let reason): "expected a consistent zip archive, found: \(reason)"
    }
  }
}

/// Eight hexadecimal digits.
private func hex(_ number: UInt32) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
