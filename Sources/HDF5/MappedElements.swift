public import Tensors

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A part of a file, mapped read-only for as long as a tensor needs it.
private final class MappedElements: Sendable {
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Maps bytes of an open file; nil where the system doesn't, or the file ends before them.
  init?(_ descriptor: Int32, start: Int, byteCount: Int) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, start + byteCount <= Int(status.st_size),
      let base = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, off_t(start)), base != MAP_FAILED
    else { return nil }
    self.base = base
    self.byteCount = byteCount
  }

  /// What lies so many bytes behind the beginning.
  func elements(behind offset: Int) -> UnsafePointer<Float> {
    UnsafePointer((base + offset).assumingMemoryBound(to: Float.self))
  }

  deinit { munmap(base, byteCount) }
}

extension ContiguousElements {
  /// All elements as a tensor that shares the file's memory: they are not copied, and leave memory with the tensor. Nil
  /// where the file can't be mapped, so that they have to be read.
  ///
  /// - Parameter shape: of as many elements.
  public func mapped(_ shape: Shape) -> Tensor? {
    let stride = MemoryLayout<Float>.stride
    guard shape.count == count, count > 0, start % stride == 0 else { return nil }
    let page = Int(getpagesize())
    let first = start / page * page
    guard
      let memory = MappedElements(
        descriptor.number, start: first, byteCount: start - first + count * stride)
    else { return nil }
    return Tensor(borrowing: memory.elements(behind: start - first), shape, owner: memory)
  }
}
