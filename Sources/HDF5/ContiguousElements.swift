import CHDF5
import Files
import Foundation
public import Tensors

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Elements of a dataset that lie in the file as they do in memory, read past the library: at the speed of memory, by
/// several threads at a time.
public struct ContiguousElements: Sendable {
  let descriptor: Descriptor
  let place: Place
  /// Where in the file the first element's bytes begin.
  let start: Int
  /// How many elements.
  public let count: Int

  init(_ descriptor: Descriptor, _ place: Place, start: Int, count: Int) {
    self.descriptor = descriptor
    self.place = place
    self.start = start
    self.count = count
  }

  /// Reads elements from `offset` on.
  ///
  /// - Throws: `HDF5Error.wrongCount` beyond the end, `HDF5Error.failed` when the file ends before its elements do.
  public func read(from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    guard offset >= 0, buffer.count <= count - offset else {
      throw HDF5Error.wrongCount(
        file: place.file, object: place.object, expected: "elements within \(count)",
        found: "\(buffer.count) from \(offset)")
    }
    var rest = UnsafeMutableRawBufferPointer(buffer)
    var position = start + offset * MemoryLayout<Float>.stride
    while let base = rest.baseAddress, !rest.isEmpty {
      let read = pread(descriptor.number, base, rest.count, off_t(position))
      guard read > 0 else {
        if read < 0 && errno == EINTR { continue }
        throw HDF5Error.failed(
          file: place.file, object: place.object, action: "read elements",
          reason: read == 0 ? "the file ends before them" : String(cString: strerror(errno)))
      }
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[read...])
      position += read
    }
  }
}

/// An open file's number, closed at the end of its life.
final class Descriptor: Sendable {
  let number: Int32

  /// Another number for the same open file, or nil where the system has none left.
  init?(duplicating number: Int32) {
    self.number = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard self.number >= 0 else { return nil }
  }

  /// Whether the file is at least as long as that.
  func holds(_ range: Range<Int>) -> Bool {
    var status = stat()
    return fstat(number, &status) == 0 && range.upperBound <= Int(status.st_size)
  }

  deinit { close(number) }
}

extension HDF5File {
  /// The dataset's elements where they lie in the file in one piece as Float32 in this machine's byte order; nil where
  /// they don't, so that they have to be read through the library. Only of a file that was opened.
  ///
  /// - Throws: `HDF5Error.failed`.
  public func contiguousElements(of dataset: borrowing HDF5Dataset) throws -> ContiguousElements? {
    guard let start = try dataset.contiguousStart(), let descriptor = try descriptor() else { return nil }
    return ContiguousElements(descriptor, dataset.place, start: start, count: dataset.shape.count)
  }
}

extension ContiguousElements {
  /// All elements as a tensor that shares the file's memory: they are not copied, and leave memory with the tensor. Nil
  /// where the file can't be mapped or ends before them, so that they have to be read.
  ///
  /// - Parameter shape: of as many elements.
  public func mapped(_ shape: Shape) -> Tensor? {
    let stride = MemoryLayout<Float>.stride
    let range = start..<start + count * stride
    guard shape.count == count, count > 0, start % stride == 0, descriptor.holds(range),
      let part = try? MappedPart(of: descriptor.number, range, path: place.file),
      let elements = part.bytes.assumingMemoryBound(to: Float.self).baseAddress
    else { return nil }
    return Tensor(borrowing: elements, shape, owner: part)
  }
}
