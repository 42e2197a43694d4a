import Foundation

/// Numbers as people read them.
enum Figure {
  /// With two decimals and a power of ten; 0 is 0.
  static func error(_ value: Double) -> String {
    if value == 0 { return "0" }
    return value.isFinite ? String(format: "%.2e", value) : value.isNaN ? "NaN" : "∞"
  }

  /// With that many decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

  /// To a tenth, infinite where nothing is off.
  static func decibels(_ value: Double) -> String {
    value.isFinite ? "\(fixed(value, 1)) dB" : value > 0 ? "∞ dB" : "−∞ dB"
  }

  /// With thin spaces between thousands.
  static func count(_ value: Int) -> String {
    String(
      String(value).reversed().enumerated().flatMap { $0 > 0 && $0 % 3 == 0 ? ["\u{2009}", $1] : [$1] }
        .reversed())
  }

  /// To a tenth, for coordinates.
  static func coordinate(_ value: Double) -> String {
    let text = fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
