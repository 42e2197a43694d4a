import Checkpoints
import Tensors

/// One array of a dump, as its file describes it.
struct DumpedArray: Equatable, Sendable {
  /// Its name: a path within a folder or file, without `.npy`.
  let name: String
  /// The extent of every axis.
  let shape: Shape
  /// What its elements are.
  let type: StoredType
  var isBigEndian = false
  /// Whether the first axis is the one whose neighbours lie side by side.
  var isFortranOrder = false

  /// How far apart neighbours along each axis lie, in elements.
  var strides: [Int] { isFortranOrder ? Shape(shape.extents.reversed()).strides.reversed() : shape.strides }
}

/// What a format's reader supplies.
protocol DumpContents: Sendable {
  /// Every array, in the order of the file; of a folder, by name.
  var arrays: [DumpedArray] { get }
  /// The verified bytes of one array, in its own order: a part of a mapped file, or a copy of that one array.
  func bytes(at index: Int) throws -> TensorBytes
  /// Reads elements row-major as Float32 straight from the file, where the format can do that itself; false otherwise.
  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool
}

extension DumpContents {
  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    false
  }
}
