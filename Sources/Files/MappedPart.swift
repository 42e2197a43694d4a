#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

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
