#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
import Dispatch
internal import Synchronization

/// Parts of a file on their way into another: one thread reads piece after piece and takes checksums, this one writes.
/// What is written is the very bytes that the checksum is of, and neither thread waits for more than the other.
public final class PieceStream: Sendable {
  /// Bytes of a piece, and how many there are: together they fit the last cache.
  private static let (pieceBytes, pieceCount) = (1 << 20, 6)

  private enum Message: Sendable {
    case bytes(slot: Int, count: Int)
    case hole(Int)
    case end(checksum: UInt32)
    case failure(FileError)
  }

  private let file: MappedFile
  private let memory: PieceMemory
  private let free = DispatchSemaphore(value: PieceStream.pieceCount)
  private let filled = DispatchSemaphore(value: 0)
  private let messages = Mutex<[Message]>([])
  private let isCancelled = Atomic(false)
  private let group = DispatchGroup()

  /// Begins to read the parts `ranges` of `file` in that order.
  public init(_ file: MappedFile, _ ranges: [Range<Int>]) {
    self.file = file
    memory = PieceMemory(count: Self.pieceBytes * Self.pieceCount)
    DispatchQueue.global().async(group: group) { [self] in read(ranges) }
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
      filled.wait()
      switch messages.withLock({ $0.removeFirst() }) {
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

  private func send(_ message: Message) {
    messages.withLock { $0.append(message) }
    filled.signal()
  }

  private func read(_ ranges: [Range<Int>]) {
    var slot = 0
    do throws(FileError) {
      for range in ranges {
        var checksum: UInt32 = 0
        for extent in file.extents(in: range) {
          if extent.isHole {
            checksum = CRC32.appendingZeros(extent.range.count, to: checksum)
            send(.hole(extent.range.count))
            continue
          }
          var offset = extent.range.lowerBound
          while offset < extent.range.upperBound {
            free.wait()
            if isCancelled.load(ordering: .relaxed) { return }
            let count = min(Self.pieceBytes, extent.range.upperBound - offset)
            let start = slot * Self.pieceBytes
            let piece = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
            checksum = try file.read(piece, at: offset, continuing: checksum)
            send(.bytes(slot: slot, count: count))
            slot = (slot + 1) % Self.pieceCount
            offset += count
          }
        }
        send(.end(checksum: checksum))
      }
    } catch { send(.failure(error)) }
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
