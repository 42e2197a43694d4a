public import Tensors

/// Float32 arrays with names, in an order, that can be read piece by piece.
public protocol NamedArrays: Sendable {
  /// Every array's name and shape.
  var arrays: [(name: String, shape: Shape)] { get }

  /// Reads elements of the array called `name`, counted row-major, from `offset` on. Several threads call it at a time.
  func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws
}
