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
  private let file: MappedFile
  private let place: Place
  /// Where in the file the first element's bytes begin.
  private let start: Int
  /// How many elements.
  public let count: Int

  init(_ file: MappedFile, _ place: Place, start: Int, count: Int) {
    (self.file, self.place, self.start, self.count) = (file, place, start, count)
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
    let memory = UnsafeMutableRawBufferPointer(buffer)
    try file.read(from: start + offset * MemoryLayout<Float>.stride, into: memory, place)
  }

  /// All elements as a tensor that shares the file's memory: they are not copied, and leave memory with the tensor. Nil
  /// where the file can't be mapped or ends before them, so that they have to be read.
  ///
  /// - Parameter shape: of as many elements.
  public func mapped(_ shape: Shape) -> Tensor? {
    let stride = MemoryLayout<Float>.stride
    let range = start..<start + count * stride
    guard shape.count == count, count > 0, start % stride == 0, file.holds(range),
      let part = try? MappedPart(of: file.descriptor, range, path: place.file),
      let elements = part.bytes.assumingMemoryBound(to: Float.self).baseAddress
    else { return nil }
    return Tensor(borrowing: elements, shape, owner: part)
  }
}

extension MappedFile {
  /// Whether the file is at least as long as that, by now.
  fileprivate func holds(_ range: Range<Int>) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && range.upperBound <= Int(status.st_size)
  }

  /// Reads an object's bytes from `offset` on, not by way of the map.
  func read(from offset: Int, into memory: UnsafeMutableRawBufferPointer, _ place: Place) throws(HDF5Error) {
    var (rest, position) = (memory, offset)
    while let base = rest.baseAddress, !rest.isEmpty {
      let read = pread(descriptor, base, rest.count, off_t(position))
      guard read > 0 else {
        if read < 0 && errno == EINTR { continue }
        throw .failed(
          file: place.file, object: place.object, action: "read elements",
          reason: read == 0 ? "the file ends before them" : String(cString: strerror(errno)))
      }
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[read...])
      position += read
    }
  }
}
