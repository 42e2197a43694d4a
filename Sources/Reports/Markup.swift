import Files
import Foundation

/// A piece of XML, which HTML can be written as: whatever text goes in comes out escaped, written out where it has no shape,
/// and no word of it long.
struct Markup: Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  /// The XML.
  let text: String

  /// Text.
  init(_ text: String) { self.text = Self.escaped(text) }

  /// Text.
  init(stringLiteral text: String) { self.init(text) }

  private init(raw: String) { text = raw }

  /// An element with its attributes and what it holds. Attributes without a value are left out.
  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ content: [Markup] = []
  ) -> Markup {
    let written = attributes.compactMap { name, value in value.map { " \(name)=\"\(escaped($0))\"" } }.joined()
    let inside = content.map(\.text).joined()
    return Markup(
      raw: inside.isEmpty && !containers.contains(name)
        ? "<\(name)\(written)/>" : "<\(name)\(written)>\(inside)</\(name)>")
  }

  /// An element with one piece inside.
  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ content: Markup
  ) -> Markup { element(name, attributes, [content]) }

  /// Our own style or script, which holds nothing that XML would take for its own.
  static func verbatim(_ name: String, _ content: String) -> Markup {
    precondition(!content.contains("<") && !content.contains("&"), "markup inside <\(name)>")
    return Markup(raw: "<\(name)>\(content)</\(name)>")
  }

  /// HTML takes a slash at the end of these for a mistake.
  private static let containers: Set = [
    "a", "b", "button", "code", "dd", "div", "dl", "details", "figure", "h1", "h2", "h3", "label", "li", "main",
    "nav",
    "ol", "p", "section", "span", "summary", "table", "tbody", "td", "th", "tr", "ul",
  ]

  private static func escaped(_ text: String) -> String {
    // Pictures that stand in attributes are ours, and long.
    let text = text.hasPrefix("data:image/") ? text.shown() : text.shownWords
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// Numbers as people read them.
enum Figure {
  /// With two decimals and a power of ten; 0 is 0.
  static func error(_ value: Double) -> String {
    if value == 0 { return "0" }
    return value.isFinite ? String(format: "%.2e", value) : value.isNaN ? "–" : "∞"
  }

  /// With that many decimals; a dash for what isn't defined.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    value.isNaN ? "–" : String(format: "%.\(decimals)f", value)
  }

  /// To a tenth, infinite where nothing is off.
  static func decibels(_ value: Double) -> String { value.isNaN ? "–" : "\(tenths(value)) dB" }

  /// To a tenth, or infinite; a dash for what isn't defined.
  static func tenths(_ value: Double) -> String {
    value.isInfinite ? (value > 0 ? "∞" : "−∞") : fixed(value, 1)
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
