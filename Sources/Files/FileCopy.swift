#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

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
