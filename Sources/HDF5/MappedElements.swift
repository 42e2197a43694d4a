import Files
public import Tensors

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
