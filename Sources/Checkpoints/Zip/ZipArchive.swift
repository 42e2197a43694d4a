import CZip
package import Files
import Synchronization

/// A zip archive in a mapped file: stored entries are read in place, deflated ones through libzip, and none is
/// handed out before its checksum was verified.
package final class ZipArchive: Sendable {
  // Before the file, since properties go in their order: libzip must let go before the mapping does.
  private let handle: Mutex<ZipHandle>
  let file: MappedFile
  let directory: ZipDirectory
  private let limits: ReadingLimits
  private let verified = Mutex<Set<Int>>([])

  /// Every file of the archive, in the directory's order.
  package var entries: [ZipEntry] { directory.entries }

  /// Reads the directory and has libzip check it once more.
  ///
  /// - Parameter plainNames: Whether names of entries must be plain relative paths. Where they are keys and nothing is
  ///   unpacked, they needn't be: tensors of an ONNX model are called `/trunk/Add_output_0`.
  package init(_ file: MappedFile, limits: ReadingLimits, plainNames: Bool = true) throws(ZipError) {
    self.file = file
    self.limits = limits
    // The file must outlive the views of its bytes.
    defer { withExtendedLifetime(file) {} }
    directory = try ZipDirectory(file.bytes, limits: limits, plainNames: plainNames)
    handle = Mutex(try ZipHandle(file.bytes))
  }

  /// An entry's verified bytes.
  package func bytes(of entry: ZipEntry) throws(ZipError) -> TensorBytes {
    if entry.isDeflated { return try inflate(entry) }
    try verifyStored(entry)
    let part = UnsafeRawBufferPointer(rebasing: file.bytes[entry.dataOffset..<entry.dataEnd])
    return TensorBytes(part, owner: file)
  }

  /// The first bytes of an entry, at most `count`: enough to tell what it is before all of it is inflated and verified.
  package func prefix(of entry: ZipEntry, upTo count: Int) throws(ZipError) -> [UInt8] {
    defer { withExtendedLifetime(file) {} }
    let length = min(count, entry.size)
    guard entry.isDeflated else { return Array(file.bytes[entry.dataOffset..<entry.dataOffset + length]) }
    let block = ByteBlock(count: length)
    try handle.withLock { handle throws(ZipError) in try handle.inflate(entry, into: block.bytes, whole: false)
    }
    return Array(block.bytes)
  }

  /// Verifies the checksums of entries that are stored as they are, in the order of the directory, until `isCancelled`.
  func verifyStored(_ isCancelled: () -> Bool) throws(ZipError) {
    for entry in directory.entries where !entry.isDeflated && !isCancelled() { try verifyStored(entry) }
  }

  /// Verifies the checksum of every entry that nobody has read yet.
  func verify() throws(ZipError) {
    for entry in directory.entries where !isVerified(entry) { _ = try bytes(of: entry) }
  }

  private func isVerified(_ entry: ZipEntry) -> Bool { verified.withLock { $0.contains(entry.number) } }

  private func verifyStored(_ entry: ZipEntry) throws(ZipError) {
    guard !isVerified(entry) else { return }
    let found: UInt32
    do { found = try file.checksum(of: entry.dataOffset..<entry.dataEnd) } catch {
      throw .unreadable(name: entry.name, reason: "\(error)")
    }
    try check(found, of: entry)
  }

  /// Compares what was found to be an entry's checksum, after which it counts as verified.
  func check(_ found: UInt32, of entry: ZipEntry) throws(ZipError) {
    guard found == entry.checksum else {
      throw .checksum(name: entry.name, expected: entry.checksum, found: found)
    }
    verified.withLock { _ = $0.insert(entry.number) }
  }

  /// Allocates no more than the declared size, and that only within the limits.
  private func inflate(_ entry: ZipEntry) throws(ZipError) -> TensorBytes {
    let limit = min(limits.inflatedBytes, limits.inflated(from: entry.compressedSize))
    guard entry.size <= limit else {
      throw .deflateBomb(
        name: entry.name, compressed: entry.compressedSize, declared: entry.size, limit: limit)
    }
    let block = ByteBlock(count: entry.size)
    try handle.withLock { handle throws(ZipError) in try handle.inflate(entry, into: block.bytes) }
    try check(CRC32.checksum(UnsafeRawBufferPointer(block.bytes)), of: entry)
    return TensorBytes(block)
  }
}

/// libzip's view of the same bytes. Not thread-safe: it lives behind a lock.
private struct ZipHandle: ~Copyable, @unchecked Sendable {
  private let archive: OpaquePointer

  init(_ bytes: UnsafeRawBufferPointer) throws(ZipError) {
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    guard let source = zip_source_buffer_create(bytes.baseAddress, zip_uint64_t(bytes.count), 0, &error) else {
      throw .inconsistent(reason: Self.words(&error))
    }
    guard let archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) else {
      zip_source_free(source)
      throw .inconsistent(reason: Self.words(&error))
    }
    self.archive = archive
  }

  deinit { zip_discard(archive) }

  private static func words(_ error: inout zip_error_t) -> String {
    String(cString: zip_error_strerror(&error))
  }

  /// Fills memory with an entry's bytes, which must be all of them unless only its beginning is asked for.
  func inflate(
    _ entry: ZipEntry, into memory: UnsafeMutableRawBufferPointer, whole: Bool = true
  ) throws(ZipError) {
    guard let file = zip_fopen_index(archive, zip_uint64_t(entry.number), 0) else {
      throw .inflation(name: entry.name, reason: String(cString: zip_strerror(archive)))
    }
    defer { zip_fclose(file) }
    var filled = 0
    while filled < memory.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: memory[filled...])
      let read = zip_fread(file, rest.baseAddress, zip_uint64_t(rest.count))
      guard read >= 0 else {
        throw .inflation(name: entry.name, reason: String(cString: zip_file_strerror(file)))
      }
      guard read > 0 else { throw .inflatedSize(name: entry.name, expected: memory.count, found: filled) }
      filled += Int(read)
    }
    guard whole else { return }
    var beyond: UInt8 = 0
    guard zip_fread(file, &beyond, 1) <= 0 else {
      throw .inflatedSize(name: entry.name, expected: memory.count, found: memory.count + 1)
    }
  }
}

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
    case .noDirectory:
      "expected a zip directory at the end of the file, found none: the file is cut short, fetch it again"
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
      "expected '\(name)' to inflate to at most \(limit) bytes, found \(compressed) bytes that declare \(declared) "
        + "(--limit inflation-ratio=NUMBER or inflated-bytes=NUMBER allows more)"
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
