public import Tensors
import Threads

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

/// How far two tensors of one shape are apart.
public struct NumericChange: Sendable {
  /// How many elements differ as numbers; two that aren't numbers are alike.
  public private(set) var differing = 0
  /// The largest distance between two elements; infinite where only one of them is a number, or finite.
  public private(set) var largest = 0.0
  /// The row-major place of the first element that is so far apart.
  public private(set) var place = 0
  /// The two numbers there.
  public private(set) var values = (0.0, 0.0)
  private var products = (aa: 0.0, ab: 0.0, bb: 0.0)

  /// The cosine of the angle between both tensors, taken over elements that are finite in both: 1 where they point
  /// the same way or both are zero, 0 where only one is.
  public var cosine: Double {
    let norms = products.aa.squareRoot() * products.bb.squareRoot()
    if norms == 0 { return products.aa == products.bb ? 1 : 0 }
    return max(-1, min(1, products.ab / norms))
  }

  init() {}

  /// Numbers that are read at a time, few enough to stay in the nearest cache.
  private static let block = 1024
  /// Numbers below which a second thread costs more than it saves.
  private static let smallestShared = 1 << 18

  /// Compares two tensors of the same number of elements, on two threads where they are large.
  init(_ a: TensorBytes, _ first: ElementType, _ b: TensorBytes, _ second: ElementType) {
    let readers = (NumberReader(first), NumberReader(second))
    guard readers.0.numbersPerElement == readers.1.numbersPerElement else {
      // A complex number beside a real one: nothing to subtract.
      (differing, largest) = (a.count / max(first.byteCount, 1), .infinity)
      return
    }
    let width = readers.0.numbersPerElement
    let count = a.count / first.byteCount * width
    let parts = count < Self.smallestShared ? 1 : 2
    var results = [NumericChange](repeating: NumericChange(), count: parts)
    a.withBytes { a in
      b.withBytes { b in
        results.withUnsafeMutableBufferPointer { results in
          // Each thread writes its own element only.
          nonisolated(unsafe) let (a, b, results) = (a, b, results)
          Threads.perform(parts) { part in
            results[part] = Self.serial(a, b, readers, count * part / parts..<count * (part + 1) / parts, width)
          }
        }
      }
    }
    for result in results { merge(result) }
  }

  private static func serial(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ readers: (NumberReader, NumberReader),
    _ range: Range<Int>, _ width: Int
  ) -> NumericChange {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * block) { numbers in
      var whole = NumericChange()
      for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
        let size = min(block, range.upperBound - start)
        let first = UnsafeMutableBufferPointer(rebasing: numbers[..<size])
        let second = UnsafeMutableBufferPointer(rebasing: numbers[block..<block + size])
        readers.0.read(a, from: start, into: first)
        readers.1.read(b, from: start, into: second)
        for index in 0..<size { whole.add(first[index], second[index], at: (start + index) / width) }
      }
      return whole
    }
  }

  @inline(__always)
  private mutating func add(_ a: Double, _ b: Double, at place: Int) {
    if a.isFinite && b.isFinite {
      products.aa += a * a
      products.ab += a * b
      products.bb += b * b
    }
    if a == b || (a.isNaN && b.isNaN) { return }
    differing += 1
    let distance = abs(a - b)
    note(distance.isNaN ? .infinity : distance, place, (a, b))
  }

  private mutating func note(_ distance: Double, _ place: Int, _ values: (Double, Double)) {
    guard distance > largest else { return }
    (largest, self.place, self.values) = (distance, place, values)
  }

  private mutating func merge(_ other: NumericChange) {
    differing += other.differing
    note(other.largest, other.place, other.values)
    products.aa += other.products.aa
    products.ab += other.products.ab
    products.bb += other.products.bb
  }
}
