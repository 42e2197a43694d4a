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
  public var bytes: UnsafeRawBufferPointer { memory.bytes }
  /// Whether the file takes less room on disk than it has bytes, so that it may have holes.
  public let isSparse: Bool
  /// Open for reading as long as this object lives. Its position means nothing.
  package let descriptor: Int32
  private let memory: MappedPart
  private let version: Version

  /// Maps the file at `path`.
  ///
  /// - Throws: `FileError.unreadable` or `FileError.notAFile`.
  public init(path: String) throws(FileError) {
    self.path = path
    // A pipe that nobody writes to would never open otherwise; files and folders don't mind.
    let descriptor = path.withFileName { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: systemError()) }
    do throws(FileError) {
      let status = try Self.status(of: descriptor, path)
      guard status.st_mode & S_IFMT == S_IFREG else { throw FileError.notAFile(path: path) }
      version = Version(status)
      isSparse = Int(status.st_blocks) * 512 < Int(status.st_size)
      memory = try MappedPart(of: descriptor, 0..<Int(status.st_size), path: path)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }

  private static func status(of descriptor: Int32, _ path: String) throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: systemError()) }
    return status
  }

  /// What changes when somebody writes to the file.
  private struct Version: Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      size = Int(status.st_size)
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
    }
  }

  /// Makes sure that nobody has written to the file since it was opened, as far as its size and time tell.
  ///
  /// - Throws: `FileError.unreadable`.
  public func checkUnchanged() throws(FileError) {
    guard Version(try Self.status(of: descriptor, path)) == version else {
      throw .unreadable(path: path, reason: "it was changed by another program meanwhile")
    }
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

  deinit { close(descriptor) }
}

/// The system's words for the last error. Memory that a system call can't read is a mapped file's that is gone.
package func systemError() -> String {
  errno == EFAULT
    ? "the file to read was cut short by another program meanwhile" : String(cString: strerror(errno))
}

/// A part of an open file, mapped read-only, whether or not it begins where a page does: bytes reach memory when they are
/// touched, and cost no private memory.
public final class MappedPart: Sendable {
  /// The bytes. Valid as long as this object lives, which the caller sees to.
  public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  private nonisolated(unsafe) let pages: UnsafeRawBufferPointer

  /// Maps the bytes of a range.
  ///
  /// - Parameter path: What the file is called where it is cut short while the bytes are read, see `ShrinkingFiles`.
  /// - Throws: `FileError.unreadable`.
  public init(of descriptor: Int32, _ range: Range<Int>, path: String) throws(FileError) {
    guard !range.isEmpty else {
      (bytes, pages) = (
        UnsafeRawBufferPointer(start: nil, count: 0), UnsafeRawBufferPointer(start: nil, count: 0)
      )
      return
    }
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let start = range.lowerBound / page * page
    let count = range.upperBound - start
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, off_t(start)), base != MAP_FAILED
    else {
      throw .unreadable(path: path, reason: systemError())
    }
    pages = UnsafeRawBufferPointer(start: base, count: count)
    bytes = UnsafeRawBufferPointer(rebasing: pages[(range.lowerBound - start)...])
    ShrinkingFiles.mapped.add(path, start: UInt(bitPattern: base), count: UInt(count))
  }

  deinit {
    guard let base = pages.baseAddress else { return }
    ShrinkingFiles.mapped.remove { $0.start == UInt(bitPattern: base) }
    munmap(UnsafeMutableRawPointer(mutating: base), pages.count)
  }
}

/// What can go wrong with a file on disk, with the path and the system's own words.
public enum FileError: Error, Equatable, CustomStringConvertible {
  /// The file could not be opened, mapped or read.
  case unreadable(path: String, reason: String)
  /// The file, or its temporary twin, could not be written.
  case unwritable(path: String, reason: String)
  /// The path names something other than a regular file.
  case notAFile(path: String)

  /// One sentence naming the file and the reason.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): can't be read: \(reason)"
    case .unwritable(let path, let reason): "\(path): can't be written: \(reason)"
    case .notAFile(let path): "\(path): expected a file, found \(FilePath.kind(of: path))"
    }
  }
}
