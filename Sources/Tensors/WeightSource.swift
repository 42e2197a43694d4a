/// Somewhere that named Float32 tensors come from: a file in any format, or a test.
public protocol WeightSource: Sendable {
  /// What to call it in an error, usually the file's path.
  var origin: String { get }
  /// Every tensor's name and shape.
  var shapes: [String: Shape] { get }
  /// The tensor of that name as Float32, sharing the file's memory where the file holds Float32.
  func tensor(_ name: String) throws -> Tensor
}
