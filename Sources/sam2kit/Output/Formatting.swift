import Files
import Foundation

extension BinaryFloatingPoint {
  /// With that many decimals.
  func rounded(_ decimals: Int) -> String { String(format: "%.\(decimals)f", Double(self)) }

  /// With five significant digits.
  var significant: String { String(format: "%.5g", Double(self)) }
}

extension Int {
  /// In decimal units, as file managers show bytes.
  var bytes: String {
    switch self {
    case ..<1_000: "\(self) B"
    case ..<1_000_000: "\((Double(self) / 1e3).rounded(1)) kB"
    case ..<1_000_000_000: "\((Double(self) / 1e6).rounded(1)) MB"
    default: "\((Double(self) / 1e9).rounded(2)) GB"
    }
  }

  /// With commas between thousands.
  var grouped: String {
    String(
      String(self).reversed().enumerated().flatMap { $0 > 0 && $0 % 3 == 0 ? [",", $1] : [$1] }.reversed())
  }
}

/// Columns of text.
enum TextTable {
  /// Rows with their cells padded to the widest of each column, the first two columns to the left. What is in cells may come
  /// from files.
  static func aligned(_ contents: [[String]]) -> [String] {
    let rows = contents.map { row in row.map { $0.shownName } }
    let widths = rows.map { $0.map(\.characterCount) }
    var widest: [Int] = []
    for row in widths {
      for (column, width) in row.enumerated() {
        if column == widest.count { widest.append(width) } else { widest[column] = max(widest[column], width) }
      }
    }
    let blanks = (0...(widest.max() ?? 0)).map { String(repeating: " ", count: $0) }
    return zip(rows, widths).map { row, widths in
      var line = ""
      for (column, cell) in row.enumerated() {
        if column > 0 { line += "  " }
        let padding = blanks[widest[column] - widths[column]]
        line += column < 2 ? cell : padding
        line += column < 2 ? padding : cell
      }
      return line
    }
  }
}

extension String {
  /// How many characters: bytes where all are ASCII, which are counted much sooner.
  fileprivate var characterCount: Int { utf8.allSatisfy { $0 < 0x80 } ? utf8.count : count }
}
