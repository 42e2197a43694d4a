#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension MappedFile {
  /// A part of a file that is stored, or a hole that stands for zeros.
  public struct Extent: Equatable, Sendable {
    /// Bytes of the file.
    public let range: Range<Int>
    /// Whether nothing is stored and every byte is zero.
    public let isHole: Bool
  }

  /// The stored parts and the holes of a part of the file, in order and without gaps.
  ///
  /// Where the file system does not tell, all is stored.
  public func extents(in range: Range<Int>) -> [Extent] {
    guard !range.isEmpty else { return [] }
    guard isSparse else { return [Extent(range: range, isHole: false)] }
    var extents: [Extent] = []
    var offset = range.lowerBound
    while offset < range.upperBound {
      let data = min(next(Self.data, from: offset), range.upperBound)
      if data > offset { extents.append(Extent(range: offset..<data, isHole: true)) }
      guard data < range.upperBound else { break }
      let hole = min(max(next(Self.hole, from: data), data + 1), range.upperBound)
      extents.append(Extent(range: data..<hole, isHole: false))
      offset = hole
    }
    return extents
  }

  /// `SEEK_DATA` and `SEEK_HOLE`, which the C library hides from Swift.
  #if canImport(Darwin)
    private static let (data, hole): (Int32, Int32) = (4, 3)
  #else
    private static let (data, hole): (Int32, Int32) = (3, 4)
  #endif

  /// Where stored bytes or a hole begin, at `offset` or behind it.
  private func next(_ kind: Int32, from offset: Int) -> Int {
    let found = lseek(descriptor, off_t(offset), kind)
    if found >= 0 { return Int(found) }
    // ENXIO: nothing stored from here to the end. Anything else: the file system does not know, all is stored.
    return kind == Self.data && errno != ENXIO ? offset : bytes.count
  }

  /// The CRC-32 of a part of the file, read piece by piece rather than through the mapping: what another program
  /// cuts off meanwhile is an error, not the end of this one. Holes are not read.
  ///
  /// - Throws: `FileError.unreadable`.
  public func checksum(of range: Range<Int>) throws(FileError) -> UInt32 {
    var checksum: UInt32 = 0
    for extent in extents(in: range) {
      if extent.isHole {
        checksum = CRC32.appendingZeros(extent.range.count, to: checksum)
      } else {
        checksum = try self.checksum(of: extent.range, continuing: checksum)
      }
    }
    return checksum
  }

  /// Bytes read at a time: they stay in the second-level cache between the system's copy and the checksum.
  private static let piece = 1 << 18

  private func checksum(of range: Range<Int>, continuing start: UInt32) throws(FileError) -> UInt32 {
    let result = withUnsafeTemporaryAllocation(byteCount: min(Self.piece, range.count), alignment: 64) {
      memory in
      Result { () throws(FileError) in
        var (checksum, offset) = (start, range.lowerBound)
        while offset < range.upperBound {
          let read = pread(
            descriptor, memory.baseAddress, min(memory.count, range.upperBound - offset), off_t(offset))
          if read < 0 && errno == EINTR { continue }
          guard read >= 0 else { throw FileError.unreadable(path: path, reason: systemError()) }
          guard read > 0 else { throw endedEarly(at: offset) }
          checksum = CRC32.checksum(UnsafeRawBufferPointer(rebasing: memory[..<read]), continuing: checksum)
          offset += read
        }
        return checksum
      }
    }
    return try result.get()
  }

  /// The error for a file that has become shorter.
  func endedEarly(at offset: Int) -> FileError {
    .unreadable(path: path, reason: "expected \(bytes.count) bytes, found its end at byte \(offset) meanwhile")
  }
}
