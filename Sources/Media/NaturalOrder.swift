// The order in which people count files: numbers within names compare as numbers.

/// A name cut into runs of digits and runs of anything else.
struct NaturalOrder: Comparable {
  private let parts: [Part]
  private let name: String

  private enum Part: Equatable {
    /// Digits without leading zeros, which may be longer than any integer.
    case number([UInt8])
    case text([UInt8])
  }

  /// The place of a name, given without its extension.
  init(_ name: String) {
    self.name = name
    var parts: [Part] = []
    var bytes = Array(name.utf8)[...]
    while let first = bytes.first {
      let isNumber = Self.isDigit(first)
      let run = bytes.prefix { Self.isDigit($0) == isNumber }
      bytes = bytes.dropFirst(run.count)
      parts.append(isNumber ? .number(Array(run.drop { $0 == UInt8(ascii: "0") })) : .text(Array(run)))
    }
    self.parts = parts
  }

  /// Numbers come before text, a name before its continuations, and names of equal numbers (`7`, `007`) in the order
  /// of their bytes.
  static func < (one: NaturalOrder, other: NaturalOrder) -> Bool {
    for (left, right) in zip(one.parts, other.parts) where left != right {
      switch (left, right) {
      case (.number(let left), .number(let right)):
        return left.count == right.count ? left.lexicographicallyPrecedes(right) : left.count < right.count
      case (.text(let left), .text(let right)): return left.lexicographicallyPrecedes(right)
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    if one.parts.count != other.parts.count { return one.parts.count < other.parts.count }
    return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
