public import Tensors

/// What two checkpoints hold of the same tensors, whatever their formats and namings.
///
/// Tensors are read one at a time, so that memory stays that of the largest that has to be gathered or inflated.
public struct CheckpointDifference: Sendable {
  /// A tensor that only one of the two has.
  public struct Lone: Sendable {
    /// The state-dict key.
    public let name: String
    /// How its elements are stored.
    public let elementType: ElementType
    /// The extent of every axis.
    public let shape: Shape
  }

  /// A tensor whose shape isn't the same.
  public struct Reshaped: Sendable {
    /// The state-dict key.
    public let name: String
    /// The shape in the first and in the second.
    public let shapes: (Shape, Shape)
    /// The type in the first and in the second.
    public let elementTypes: (ElementType, ElementType)
  }

  /// A tensor whose elements aren't the same bits: of another type, or other numbers.
  public struct Changed: Sendable {
    /// The state-dict key.
    public let name: String
    /// The shape in both.
    public let shape: Shape
    /// The type in the first and in the second.
    public let elementTypes: (ElementType, ElementType)
    /// How far the numbers are apart. None may differ, where only the types do, or the signs of zeros.
    public let change: NumericChange

    /// The place of the largest change, an index for every axis.
    public var place: [Int] {
      zip(shape.extents, shape.strides).map { extent, stride in change.place / stride % max(extent, 1) }
    }
  }

  /// Tensors that only the second has, in its order.
  public private(set) var added: [Lone] = []
  /// Tensors that only the first has, in its order.
  public private(set) var missing: [Lone] = []
  /// Tensors of other shapes, in the first's order.
  public private(set) var reshaped: [Reshaped] = []
  /// Tensors of the same shape and another type, in the first's order.
  public private(set) var retyped: [Changed] = []
  /// Tensors of the same shape and type whose bits differ, in the first's order.
  public private(set) var changed: [Changed] = []
  /// How many tensors are the same, bit for bit.
  public private(set) var equal = 0

  /// Whether both hold the same tensors, bit for bit.
  public var isEmpty: Bool {
    added.isEmpty && missing.isEmpty && reshaped.isEmpty && retyped.isEmpty && changed.isEmpty
  }

  /// Compares all tensors by name.
  ///
  /// - Parameter progress: called with a tensor's name before it is read.
  /// - Throws: `CheckpointError` where a tensor's bytes are refused.
  public init(
    _ first: Checkpoint, _ second: Checkpoint, progress: (String) -> Void = { _ in }
  ) throws(CheckpointError) {
    added = second.entries.filter { first[$0.name] == nil }.map(Lone.init)
    for entry in first.entries {
      guard let other = second[entry.name] else {
        missing.append(Lone(entry))
        continue
      }
      let types = (entry.elementType, other.elementType)
      guard entry.shape == other.shape else {
        reshaped.append(
          Reshaped(name: entry.name, shapes: (entry.shape, other.shape), elementTypes: types))
        continue
      }
      progress(entry.name)
      let (a, b) = (try first.bytes(of: entry.name), try second.bytes(of: entry.name))
      if types.0 == types.1, a.isEqual(to: b) {
        equal += 1
        continue
      }
      let change = Changed(
        name: entry.name, shape: entry.shape, elementTypes: types, change: NumericChange(a, types.0, b, types.1)
      )
      if types.0 == types.1 { changed.append(change) } else { retyped.append(change) }
    }
  }
}

extension CheckpointDifference.Lone {
  fileprivate init(_ entry: Checkpoint.Entry) {
    self.init(name: entry.name, elementType: entry.elementType, shape: entry.shape)
  }
}
