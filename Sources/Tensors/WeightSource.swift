/// Somewhere that named tensors come from: a file in any format, or a test.
public protocol WeightSource: Sendable {
  /// What to call it in an error, usually the file's path.
  var origin: String { get }
  /// Every tensor's name and shape.
  var shapes: [String: Shape] { get }
  /// The tensor of that name, of the type in which it is stored, sharing the file's memory where it can.
  func tensor(_ name: String) throws -> Tensor
  /// The whole numbers that the tensor of that name is stored as; nil where it isn't. `tensor(_:)` is what they stand for.
  func quantized(_ name: String) throws -> StoredWeight?
}

extension WeightSource {
  /// None is.
  public func quantized(_ name: String) throws -> StoredWeight? { nil }

  /// The tensor of that name as Float32: as it is stored where that is Float32, else converted.
  ///
  /// - Throws: `WeightError.notFloat32`, and what `tensor(_:)` throws.
  public func float32(_ name: String) throws -> Tensor {
    let stored = try tensor(name)
    guard stored.elementType.isReadableAsFloat32 else {
      throw WeightError.notFloat32(origin: origin, name: name, found: stored.elementType)
    }
    return stored.converted(to: .float32)
  }
}

/// Why a tensor can't be used as a weight.
public enum WeightError: Error, Equatable, CustomStringConvertible {
  /// Its elements can't be read as Float32: `origin` is the source's, `name` the tensor's.
  case notFloat32(origin: String, name: String, found: ElementType)

  /// One sentence: the source, what was expected, what was found.
  public var description: String {
    switch self {
    case .notFloat32(let origin, let name, let found):
      "\(origin): expected '\(name)' to be readable as float32, found \(found.rawValue)"
    }
  }
}
