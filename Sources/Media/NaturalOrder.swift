// The order in which people count files, and which names are one number to them.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images, which sorts by `int(stem)`.

/// A name that is a whole number, or is cut into runs of digits and runs of anything else.
package struct NaturalOrder: Comparable {
  private let parts: [Part]
  private let name: String

  private enum Part: Equatable {
    /// Digits without leading zeros, which may be longer than any integer.
    case number([UInt8], isNegative: Bool = false)
    case text([UInt8])
  }

  /// The place of a name, given without its extension.
  package init(_ name: String) {
    self.name = name
    let bytes = Array(name.utf8)
    let digits =
      bytes.first.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") } == true
      ? bytes.dropFirst() : bytes[...]
    if !digits.isEmpty, digits.allSatisfy(Self.isDigit) {
      let number = Self.withoutZeros(digits)
      parts = [.number(number, isNegative: bytes[0] == UInt8(ascii: "-") && !number.isEmpty)]
    } else {
      parts = Self.parts(bytes[...])
    }
  }

  private static func parts(_ name: ArraySlice<UInt8>) -> [Part] {
    var parts: [Part] = []
    var bytes = name
    while let first = bytes.first {
      let isNumber = isDigit(first)
      let run = bytes.prefix { isDigit($0) == isNumber }
      bytes = bytes.dropFirst(run.count)
      parts.append(isNumber ? .number(withoutZeros(run)) : .text(Array(run)))
    }
    return parts
  }

  private static func withoutZeros(_ digits: ArraySlice<UInt8>) -> [UInt8] {
    Array(digits.drop { $0 == UInt8(ascii: "0") })
  }

  /// Whether two names are the same but for leading zeros and a plus, as `7`, `007` and `+7` are.
  package func isSameNumber(as other: NaturalOrder) -> Bool { parts == other.parts }

  /// Numbers come before text, a name before its continuations, and names of equal numbers (`7`, `007`) in the order
  /// of their bytes.
  package static func < (one: NaturalOrder, other: NaturalOrder) -> Bool {
    for (left, right) in zip(one.parts, other.parts) where left != right {
      switch (left, right) {
      case (.number(let left, let isLeftNegative), .number(let right, let isRightNegative)):
        if isLeftNegative != isRightNegative { return isLeftNegative }
        let (less, more) = isLeftNegative ? (right, left) : (left, right)
        return less.count == more.count ? less.lexicographicallyPrecedes(more) : less.count < more.count
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
