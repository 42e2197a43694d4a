#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A whole file, mapped read-only: bytes reach memory when they are touched, and cost no private memory.
public final class MappedFile: Sendable {
  /// The path it was opened by.
  public let path: String
  /// The file's bytes. Valid as long as this object lives, which the caller sees to.
  public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  /// Maps the file at `path`.
  ///
  /// - Throws: `FileError.unreadable` or `FileError.notAFile`.
  public init(path: String) throws(FileError) {
    self.path = path
    // A pipe that nobody writes to would never open otherwise; files and folders don't mind.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: systemError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: systemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .unreadable(path: path, reason: systemError())
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
    ShrinkingFiles.mapped.add(path, start: UInt(bitPattern: base), count: UInt(count))
  }

  /// Reads a small file whole.
  ///
  /// - Throws: `FileError.unreadable` or `FileError.notAFile`.
  public static func contents(of path: String) throws(FileError) -> [UInt8] {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  /// Brings all pages into memory and maps them in one go, which costs far less than a fault for each.
  ///
  /// A hint: where the system does not take it, pages come when they are touched.
  public func prefetch() {
    guard let base = bytes.baseAddress else { return }
    let start = UnsafeMutableRawPointer(mutating: base)
    #if canImport(Darwin)
      madvise(start, bytes.count, MADV_WILLNEED)
    #else
      // MADV_POPULATE_READ, Linux 5.14; not in every C library's headers.
      if madvise(start, bytes.count, 22) != 0 { madvise(start, bytes.count, MADV_WILLNEED) }
    #endif
  }

  deinit {
    guard let base = bytes.baseAddress else { return }
    ShrinkingFiles.mapped.remove { $0.start == UInt(bitPattern: base) }
    munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
  }
}

/// The system's words for the last error. Memory that a system call can't read is a mapped file's that is gone.
func systemError() -> String {
  errno == EFAULT
    ? "the file to read was cut short by another program meanwhile" : String(cString: strerror(errno))
}
