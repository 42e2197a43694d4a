import Tensors

/// Tensors in memory as arrays to compare.
struct HeldArrays: NamedArrays {
  let tensors: [String: Tensor]

  var arrays: [(name: String, shape: Shape)] { tensors.map { ($0.key, $0.value.shape) } }

  func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    tensors[name]?.withElements { _ = buffer.update(fromContentsOf: $0[offset..<offset + buffer.count]) }
  }
}
