public import Tensors

/// How many bits the large tensors of a converted checkpoint keep.
///
/// What is rounded follows from type and shape alone, so that it does not depend on how tensors are called:
/// - a floating-point tensor of at least `threshold` elements and with at least two axes longer than 1 (matrices,
///   convolution kernels, full-size position embeddings) becomes what is asked for;
/// - any other floating-point tensor (norms, biases, tokens, small embeddings and kernels) becomes float32;
/// - whole numbers, truth values, float8 and complex numbers stay as they are.
public enum WeightRounding: String, Sendable, CaseIterable {
  /// 24 bits, 8 of exponent.
  case float32 = "f32"
  /// 11 bits, 5 of exponent: finite to 65504.
  case float16 = "f16"
  /// 8 bits, with the exponents of float32.
  case bfloat16 = "bf16"

  /// Elements from which a matrix or kernel is rounded.
  public static let threshold = 4096

  var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }

  /// What a tensor of that type and shape becomes.
  public func elementType(of stored: ElementType, _ shape: Shape) -> ElementType {
    guard [.float16, .bfloat16, .float32, .float64].contains(stored) else { return stored }
    let isLarge = shape.count >= Self.threshold && shape.extents.count(where: { $0 > 1 }) >= 2
    return isLarge ? elementType : .float32
  }
}

/// What keeps a number from being rounded twice.
enum Rounding {
  /// To a Float whose last bit is odd where anything was cut off: rounding that once more gives what rounding
  /// the Double at once would have given.
  /// Source: Boldo and Melquiond, Emulation of a FMA and correctly rounded sums, IEEE TC 57(4), 2008.
  static func odd(_ value: Double) -> Float {
    var nearest = Float(value)
    guard value.isFinite, Double(nearest) != value else { return nearest }
    if abs(Double(nearest)) > abs(value) { nearest = Float(bitPattern: nearest.bitPattern - 1) }
    return Float(bitPattern: nearest.bitPattern | 1)
  }
}

extension Checkpoint {
  /// The same checkpoint with large tensors rounded to `rounding` and the other floating-point ones in float32;
  /// tensors are rounded when they are read. See `WeightRounding` for what is large.
  ///
  /// Reading a tensor in which a finite number would become infinite throws `CheckpointError.overflow`.
  public func rounded(to rounding: WeightRounding) -> Checkpoint {
    with(RoundedContents(path: path, stored: contents, rounding: rounding))
  }
}

/// Another checkpoint's tensors, rounded one at a time.
private struct RoundedContents: TensorContents {
  let entries: [Checkpoint.Entry]
  private let path: String
  private let stored: any TensorContents

  init(path: String, stored: any TensorContents, rounding: WeightRounding) {
    self.path = path
    self.stored = stored
    entries = stored.entries.map { entry in
      let type = rounding.elementType(of: entry.elementType, entry.shape)
      guard type != entry.elementType else { return entry }
      return Checkpoint.Entry(
        name: entry.name, elementType: type, shape: entry.shape, byteCount: entry.shape.count * type.byteCount,
        isContiguous: true)
    }
  }

  var metadata: [String: String] { stored.metadata }
  var directoryDigest: String? { stored.directoryDigest }

  func place(at index: Int) -> Range<Int>? {
    entries[index].elementType == stored.entries[index].elementType ? stored.place(at: index) : nil
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    let (old, new) = (stored.entries[index], entries[index])
    let bytes = try stored.bytes(at: index)
    guard old.elementType != new.elementType else { return bytes }
    let exact = Tensor(bytes, old.elementType, old.shape)
    let isDoubleRounding = old.elementType == .float64 && new.elementType != .float32
    let float = isDoubleRounding ? Rounding.odd(exact) : exact.converted(to: .float32)
    let rounded = float.converted(to: new.elementType)
    if let overflow = Overflow(of: bytes, old.elementType, rounded) {
      throw .overflow(
        path: path, name: new.name, index: new.shape.index(of: overflow.first), value: overflow.value,
        count: overflow.count, type: new.elementType)
    }
    return TensorBytes(rounded)
  }

  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {
    try stored.confirm(checksum, at: index)
  }
  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) { try stored.verifyPlaces(isCancelled) }
  func verify() throws(CheckpointError) { try stored.verify() }
  func verifyUnread() throws(CheckpointError) { try stored.verifyUnread() }
}

/// Finite numbers that became infinite.
private struct Overflow {
  /// The row-major number of the first.
  let first: Int
  let value: Double
  let count: Int

  /// What overflowed among `stored` numbers that became `rounded`; nil if nothing did.
  init?(of stored: TensorBytes, _ type: ElementType, _ rounded: Tensor) {
    let infinite: [Int] =
      switch rounded.elementType {
      case .float16: Self.positions(in: rounded) { (bits: UInt16) in bits & 0x7fff == 0x7c00 }
      case .bfloat16: Self.positions(in: rounded) { (bits: UInt16) in bits & 0x7fff == 0x7f80 }
      default: Self.positions(in: rounded) { (number: Float) in number.isInfinite }
      }
    let reader = NumberReader(type)
    let overflowed = stored.withBytes { bytes in
      infinite.compactMap { position -> (Int, Double)? in
        var number = 0.0
        withUnsafeMutablePointer(to: &number) {
          reader.read(bytes, from: position, into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        return number.isFinite ? (position, number) : nil
      }
    }
    guard let (first, value) = overflowed.first else { return nil }
    (self.first, self.value, count) = (first, value, overflowed.count)
  }

  private static func positions<Element: TensorElement>(
    in tensor: Tensor, _ isInfinite: (Element) -> Bool
  ) -> [Int] {
    tensor.withElements(of: Element.self) { elements in elements.indices.filter { isInfinite(elements[$0]) } }
  }
}

extension Rounding {
  /// Doubles as Float32 numbers that round to a narrower type as the Doubles themselves would.
  fileprivate static func odd(_ doubles: Tensor) -> Tensor {
    doubles.withElements(of: Double.self) { source in
      Tensor(doubles.shape) { target in
        for index in source.indices { target[index] = odd(source[index]) }
      }
    }
  }
}

extension Shape {
  /// The place of the element that is row-major `number`.
  fileprivate func index(of number: Int) -> [Int] {
    zip(extents, strides).map { extent, stride in number / stride % extent }
  }
}
