import Tensors

/// How many elements are not finite, and where the first of them stand.
public struct NonFiniteCount: Equatable, Sendable, Codable {
  /// How many are not a number.
  public internal(set) var nan = 0
  /// How many are infinite, of either sign.
  public internal(set) var infinite = 0
  /// The position of the first NaN along each axis.
  public internal(set) var firstNaN: [Int]?
  /// The position of the first infinity along each axis.
  public internal(set) var firstInfinite: [Int]?

  /// Whether all are finite.
  public var isEmpty: Bool { nan == 0 && infinite == 0 }

  // Spelt so that snake_case is first_nan.
  private enum CodingKeys: String, CodingKey {
    case nan, infinite
    case firstNaN = "firstNan"
    case firstInfinite
  }
}

/// Counts what is not finite, by position in the array counted row-major.
struct NonFiniteTally: Equatable, Sendable {
  private var nan = 0
  private var infinite = 0
  private var firstNaN: Int?
  private var firstInfinite: Int?

  mutating func count(_ value: Float, at position: Int) {
    if value.isNaN {
      nan += 1
      firstNaN = firstNaN ?? position
    } else if value.isInfinite {
      infinite += 1
      firstInfinite = firstInfinite ?? position
    }
  }

  /// Adds what was counted in later elements.
  mutating func merge(_ next: NonFiniteTally) {
    nan += next.nan
    infinite += next.infinite
    firstNaN = firstNaN ?? next.firstNaN
    firstInfinite = firstInfinite ?? next.firstInfinite
  }

  /// What was counted in an array of that shape.
  func result(_ shape: Shape) -> NonFiniteCount {
    NonFiniteCount(
      nan: nan, infinite: infinite, firstNaN: firstNaN.map(shape.index(of:)),
      firstInfinite: firstInfinite.map(shape.index(of:)))
  }
}

extension Shape {
  /// The position along each axis of an element counted row-major.
  func index(of position: Int) -> [Int] {
    zip(extents, strides).map { $0 == 0 ? 0 : position / $1 % $0 }
  }
}
