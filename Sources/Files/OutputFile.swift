#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A file that appears whole or not at all: bytes go to a temporary twin beside the target, which `commit`
/// renames over it. Dropped without `commit`, the twin is removed and the target stays as it was.
///
/// A link stays one: the file that it leads to is replaced. A file that is replaced leaves its permissions to the new one.
///
/// A program that is killed at any moment leaves the old file or the whole new one. So does a computer that loses its
/// power if the file is durable; if not, the new file's last bytes may be lost with it.
public struct OutputFile: ~Copyable {
  /// Where the file will stand, as it was asked for.
  public let path: String
  /// The same with links followed.
  private let target: String
  /// The temporary twin, in the same folder. Libraries that open files by name write here.
  public let temporaryPath: String
  /// The twin's descriptor, open for reading and writing.
  public let descriptor: Int32
  private let isDurable: Bool

  /// Creates the temporary twin of `path`.
  ///
  /// - Parameter durable: Whether `commit` waits until the bytes and the name are on the disk.
  /// - Throws: `FileError.unwritable`.
  public init(path: String, durable: Bool = false) throws(FileError) {
    let target = FilePath.followingLinks(path)
    let name = FilePath.name(of: target)
    guard !name.isEmpty else { throw .unwritable(path: path, reason: "expected a file name, found a folder") }
    var status = stat()
    let isThere = target.withFileName({ stat($0, &status) }) == 0
    if isThere, status.st_mode & S_IFMT != S_IFREG {
      // The rename would put a file in a device's place: /dev/null, for one.
      let obstacle = status.st_mode & S_IFMT == S_IFDIR ? "folder" : "device or pipe"
      throw .unwritable(path: path, reason: "a \(obstacle) of that name is in the way")
    }
    let temporary = "\(target.dropLast(name.count)).\(name).\(UInt32.random(in: 0 ... .max)).partial"
    let opened = temporary.withFileName { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
    guard opened >= 0 else { throw .unwritable(path: path, reason: systemError()) }
    PartialFiles.add(temporary)
    // Where that isn't allowed the file is as any new one.
    if isThere { _ = fchmod(opened, status.st_mode & 0o7777) }
    self.path = path
    self.target = target
    temporaryPath = temporary
    descriptor = opened
    isDurable = durable
  }

  /// Appends bytes at the descriptor's position.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let written = systemWrite(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw .unwritable(path: path, reason: systemError()) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Appends bytes at the descriptor's position.
  public func write(_ bytes: some Sequence<UInt8>) throws(FileError) {
    let whole = Array(bytes)
    let result = whole.withUnsafeBytes { raw in Result { () throws(FileError) in try write(raw) } }
    try result.get()
  }

  /// Overwrites bytes at `offset`, leaving the position alone.
  public func overwrite(at offset: Int, with bytes: [UInt8]) throws(FileError) {
    let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    guard written == bytes.count else { throw .unwritable(path: path, reason: systemError()) }
  }

  /// Puts the finished file in its place.
  public consuming func commit() throws(FileError) {
    if isDurable { try Disk.synchronize(descriptor, path: path) }
    try FilePath.move(temporaryPath, to: target)
    if isDurable { try Disk.synchronizeFolder(of: target) }
  }

  deinit {
    close(descriptor)
    _ = temporaryPath.withFileName { unlink($0) }  // gone already after commit
    PartialFiles.remove(temporaryPath)
  }
}

/// Waiting for the disk, without which a loss of power may take what was written, or the name that it was given.
public enum Disk {
  /// Waits until the bytes of an open file are on the disk; `path` is for errors.
  ///
  /// - Throws: `FileError.unwritable`.
  public static func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
    #if canImport(Darwin)
      // fsync leaves the bytes in the drive's own cache there.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    guard fsync(descriptor) == 0 else { throw .unwritable(path: path, reason: systemError()) }
  }

  /// The same for the names in the folder that holds `path`: what was created, renamed and removed there.
  ///
  /// - Throws: `FileError.unwritable`.
  public static func synchronizeFolder(of path: String) throws(FileError) {
    let folder = FilePath.folder(of: path)
    let opened = folder.withFileName { open($0, O_RDONLY | O_CLOEXEC) }
    guard opened >= 0 else { throw .unwritable(path: path, reason: systemError()) }
    defer { close(opened) }
    try synchronize(opened, path: path)
  }
}

/// `write(2)`, which the method of the same name would hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  #if canImport(Darwin)
    Darwin.write(descriptor, bytes, count)
  #else
    Glibc.write(descriptor, bytes, count)
  #endif
}

extension OutputFile {
  /// Appends a part of another file. The system copies from file to file, so that the bytes never pass through this
  /// program's memory, and holes stay holes.
  ///
  /// - Throws: `FileError.unreadable` when the other file has become shorter, `.unwritable`.
  public func copy(_ range: Range<Int>, of file: MappedFile) throws(FileError) {
    for extent in file.extents(in: range) {
      if extent.isHole { try skip(extent.range.count) } else { try copyStored(extent.range, of: file) }
    }
  }

  /// Appends zeros as a hole.
  func skip(_ count: Int) throws(FileError) {
    let end = lseek(descriptor, off_t(count), SEEK_CUR)
    // The hole may be the last part of the file, which a position alone does not make longer.
    guard end >= 0, ftruncate(descriptor, end) == 0 else {
      throw .unwritable(path: path, reason: systemError())
    }
  }

  private func copyStored(_ range: Range<Int>, of file: MappedFile) throws(FileError) {
    var offset = range.lowerBound
    #if canImport(Glibc)
      while offset < range.upperBound {
        var position = off_t(offset)
        let sent = sendfile(descriptor, file.descriptor, &position, range.upperBound - offset)
        if sent < 0, errno == EINTR { continue }
        // File systems that can't: their bytes go through the mapping below.
        if sent < 0, errno == EINVAL || errno == ENOSYS { break }
        guard sent >= 0 else { throw .unwritable(path: path, reason: systemError()) }
        guard sent > 0 else { throw file.endedEarly(at: offset) }
        offset += sent
      }
    #endif
    try withExtendedLifetime(file) { () throws(FileError) in
      try write(UnsafeRawBufferPointer(rebasing: file.bytes[offset..<range.upperBound]))
    }
  }
}
