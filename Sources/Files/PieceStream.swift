#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
import Dispatch
internal import Synchronization
import Threads

/// Parts of a file on their way into another: one thread reads piece after piece and takes checksums, this one writes.
/// What is written is the very bytes that the checksum is of, and neither thread waits for more than the other. Where no
/// thread can be made each piece is read when it is wanted.
public final class PieceStream: Sendable {
  /// Bytes of a piece, and how many there are: together they fit the last cache.
  fileprivate static let (pieceBytes, pieceCount) = (1 << 20, 6)

  fileprivate enum Message: Sendable {
    case bytes(slot: Int, count: Int)
    case hole(Int)
    case end(checksum: UInt32)
    case failure(FileError)
  }

  private let memory: PieceMemory
  /// What is read where it is read on this thread.
  private let reader: Mutex<PieceReader>
  private let free = DispatchSemaphore(value: PieceStream.pieceCount)
  private let filled = DispatchSemaphore(value: 0)
  private let messages = Mutex<[Message]>([])
  private let isCancelled = Atomic(false)
  private let group = DispatchGroup()

  /// Begins to read the parts `ranges` of `file` in that order.
  public init(_ file: MappedFile, _ ranges: [Range<Int>]) {
    memory = PieceMemory(count: Self.pieceBytes * Self.pieceCount)
    let reader = PieceReader(file, ranges, into: memory)
    self.reader = Mutex(reader)
    guard Threads.canBeMade else { return }
    Threads.begin(group) { [self] in read(reader) }
  }

  /// Ends the reading: nobody wants the rest.
  public func cancel() {
    isCancelled.store(true, ordering: .relaxed)
    // One more than there are pieces: the reader may wait for one beyond them, and Dispatch ends a program that lets go of
    // a semaphore below its first value.
    for _ in 0...Self.pieceCount { free.signal() }
    group.wait()
  }

  /// Appends the next part to `output`; holes stay holes.
  ///
  /// - Returns: The part's CRC-32.
  /// - Throws: `FileError.unreadable`, `.unwritable`.
  public func writeNext(to output: borrowing OutputFile) throws(FileError) -> UInt32 {
    while true {
      switch next() {
      case .bytes(let slot, let count):
        try output.write(
          UnsafeRawBufferPointer(
            rebasing: memory.bytes[slot * Self.pieceBytes..<slot * Self.pieceBytes + count]))
        free.signal()
      case .hole(let count): try output.skip(count)
      case .end(let checksum): return checksum
      case .failure(let error): throw error
      }
    }
  }

  private func next() -> Message {
    guard Threads.canBeMade else { return reader.withLock { $0.next { true } } ?? .end(checksum: 0) }
    filled.wait()
    return messages.withLock { $0.removeFirst() }
  }

  private func read(_ first: PieceReader) {
    var reader = first
    while let message = reader.next({
      free.wait()
      return !isCancelled.load(ordering: .relaxed)
    }) {
      messages.withLock { $0.append(message) }
      filled.signal()
      if case .failure = message { return }
    }
  }
}

/// Reads the parts of a file piece by piece.
private struct PieceReader: Sendable {
  private let file: MappedFile
  private let memory: PieceMemory
  private var ranges: ArraySlice<Range<Int>>
  /// What is left of the part that was begun; nil between parts.
  private var extents: ArraySlice<MappedFile.Extent>?
  private var checksum: UInt32 = 0
  /// Where in the first of `extents` the next piece begins.
  private var offset: Int?
  private var slot = 0

  init(_ file: MappedFile, _ ranges: [Range<Int>], into memory: PieceMemory) {
    (self.file, self.memory, self.ranges) = (file, memory, ranges[...])
  }

  /// The next piece, hole, or end of a part; nil behind the last, and where there is no room for a piece any more.
  mutating func next(_ awaitRoom: () -> Bool) -> PieceStream.Message? {
    guard let extents else {
      guard let range = ranges.popFirst() else { return nil }
      (self.extents, checksum) = (file.extents(in: range)[...], 0)
      return next(awaitRoom)
    }
    guard let extent = extents.first else {
      self.extents = nil
      return .end(checksum: checksum)
    }
    if extent.isHole {
      self.extents = extents.dropFirst()
      checksum = CRC32.appendingZeros(extent.range.count, to: checksum)
      return .hole(extent.range.count)
    }
    guard awaitRoom() else { return nil }
    let start = offset ?? extent.range.lowerBound
    let count = min(PieceStream.pieceBytes, extent.range.upperBound - start)
    let place = slot * PieceStream.pieceBytes
    let piece = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place..<place + count])
    do throws(FileError) { checksum = try file.read(piece, at: start, continuing: checksum) } catch {
      return .failure(error)
    }
    let isLast = start + count == extent.range.upperBound
    offset = isLast ? nil : start + count
    if isLast { self.extents = extents.dropFirst() }
    defer { slot = (slot + 1) % PieceStream.pieceCount }
    return .bytes(slot: slot, count: count)
  }
}

/// What the two threads share: a piece belongs to one of them at a time.
private final class PieceMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) { bytes = .allocate(byteCount: count, alignment: 4096) }

  deinit { bytes.deallocate() }
}

extension MappedFile {
  /// Reads bytes, a quarter of a megabyte at a time so that the checksum finds them in the second-level cache.
  ///
  /// - Returns: The CRC-32 of what went before and these.
  fileprivate func read(
    _ target: UnsafeMutableRawBufferPointer, at offset: Int, continuing start: UInt32
  ) throws(FileError) -> UInt32 {
    var (checksum, filled) = (start, 0)
    while filled < target.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: target[filled..<min(filled + (1 << 18), target.count)])
      let read = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
      if read < 0 && errno == EINTR { continue }
      guard read >= 0 else { throw .unreadable(path: path, reason: systemError()) }
      guard read > 0 else { throw endedEarly(at: offset + filled) }
      checksum = CRC32.checksum(UnsafeRawBufferPointer(rebasing: rest[..<read]), continuing: checksum)
      filled += read
    }
    return checksum
  }
}
